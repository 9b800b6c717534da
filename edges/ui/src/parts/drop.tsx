import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";

/** A place to drop a file on; `children` gets what opens the browser's own choice of one. */
export function Drop(props: {
  readonly id: string;
  readonly label: string;
  /** Endings and types of files that are offered to choose. */
  readonly accept: string;
  readonly take: (file: File) => void;
  readonly children: (choose: () => void) => ComponentChildren;
}) {
  const { id, label, accept, take, children } = props;
  const picker = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const taken = (file: File | undefined) => file && take(file);
  return (
    <section
      class={`drop ${isOver ? "over" : ""}`}
      aria-label={label}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        taken(event.dataTransfer?.files[0]);
      }}
    >
      <input
        ref={picker}
        type="file"
        accept={accept}
        class="hidden"
        tabIndex={-1}
        aria-hidden="true"
        id={id}
        onChange={(event) => taken(event.currentTarget.files?.[0])}
      />
      {children(() => picker.current?.click())}
    </section>
  );
}
