import { homedir } from "node:os";

/** The directory of whoever runs this process, as the system knows it. */
export const userHome: string = homedir();
