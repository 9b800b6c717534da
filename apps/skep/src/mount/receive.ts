/**
 * fusermount3 opens /dev/fuse, mounts, and hands the descriptor over through a socket (SCM_RIGHTS), which Node cannot
 * receive. This program of Python runs it, takes the descriptor, and becomes the server with it: its number is the last
 * word. Arguments: fusermount3, options, directory, then the words of the server.
 */
export const receiver = `
import os, socket, struct, subprocess, sys
fusermount, options, place, *server = sys.argv[1:]
ours, theirs = socket.socketpair()
env = dict(os.environ, _FUSE_COMMFD=str(theirs.fileno()))
ran = subprocess.run([fusermount, "-o", options, "--", place], env=env, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
theirs.close()
if ran.returncode != 0:
    sys.exit(ran.returncode)
_, control, _, _ = ours.recvmsg(1, socket.CMSG_LEN(4))
if not control:
    sys.exit("fusermount handed nothing over")
device = struct.unpack("i", control[0][2][:4])[0]
os.set_inheritable(device, True)
os.execv(server[0], [*server, str(device)])
`;
