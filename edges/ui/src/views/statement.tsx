import { useState } from "preact/hooks";
import { Chip, Cli, Copy } from "../parts/basic.tsx";
import { useText } from "../parts/context.ts";
import { cliOf } from "../parts/words.ts";
import { QrCode } from "../qr/qr-code.tsx";

/** What a statement says under a name: `undo`, `reason`. */
export function lineOf(statement: string | undefined, name: string): string {
  const prefix = `${name}: `;
  const found = statement?.split("\n").find((line) => line.startsWith(prefix));
  return found?.slice(prefix.length) ?? "";
}

/** The bytes that are signed, and the ways to sign them. The page holds no key of a person. */
export function Statement({ id, isOpen }: { readonly id: string; readonly isOpen: boolean }) {
  const { value, problem } = useText(`/actions/${id}/statement`);
  if (problem || !value) return null;
  return (
    <section aria-label="Statement">
      <h2>The exact statement to sign</h2>
      <pre class="content">{value}</pre>
      <div class="row">
        <Copy text={value} label="Copy statement" />
      </div>
      {isOpen && <Ways id={id} statement={value} />}
    </section>
  );
}

function Ways({ id, statement }: { readonly id: string; readonly statement: string }) {
  return (
    <>
      <h2>Sign it</h2>
      <p>With your SSH key. It shows the same statement and asks before it signs:</p>
      <Cli command={cliOf("approve", id)} />
      <p>
        With a security key, held by your SSH agent (<code>ssh-add</code>). Touch it when it blinks:
      </p>
      <Cli command={`${cliOf("approve", id)} --key ~/.ssh/id_ed25519_sk.pub`} />
      <Elsewhere id={id} statement={statement} />
    </>
  );
}

/** For a phone, or a machine without network, that holds the key. */
function Elsewhere({ id, statement }: { readonly id: string; readonly statement: string }) {
  const [isOpen, set] = useState(false);
  return (
    <details onToggle={(event) => set(event.currentTarget.open)}>
      <summary>With another device, by QR code</summary>
      {isOpen && (
        <div class="elsewhere">
          <QrCode text={statement} label={`The statement of action ${id} as a QR code`} />
          <ol>
            <li>
              Read the code with the device that holds the key, and save its text as <code>s</code>:{" "}
              <Chip>{new TextEncoder().encode(statement).length} bytes</Chip>, the end of its last line
              included.
            </li>
            <li>
              Read what it says, then sign it there.
              <Cli command="ssh-keygen -Y sign -n skep-statement@v1 -f KEY s" />
            </li>
            <li>
              Give the signature below and approve, or do so in a terminal.
              <Cli command={cliOf("approve", id, "--signature", "s.sig")} />
            </li>
          </ol>
        </div>
      )}
    </details>
  );
}
