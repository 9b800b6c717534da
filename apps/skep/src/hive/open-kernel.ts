import { Kernel, type KernelOptions } from "@skep/kernel";
import type { Reserve } from "@skep/storage";

function isFull(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if ("code" in at && at.code === "store.full") return true;
  return false;
}

/**
 * Opens the kernel. Recovery writes, so a full disk can end it: the reserve is then released and the kernel opened once
 * more. `fatal` is told of failures after that; those before are thrown.
 */
export async function openKernel(options: KernelOptions, reserve: Reserve): Promise<Kernel> {
  let open = false;
  const fatal = (error: unknown): void => {
    if (open) options.fatal(error);
  };
  const kernel = await Kernel.open({ ...options, fatal }).catch(async (error: unknown) => {
    if (!isFull(error)) throw error;
    await reserve.release();
    return Kernel.open({ ...options, fatal });
  });
  open = true;
  return kernel;
}
