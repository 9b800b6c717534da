export { type Address, formatAddress, isLoopback, type Listen, parseAddress } from "./address.ts";
export { configCommands, configSources } from "./commands.ts";
export { configurationDoc } from "./doc.ts";
export { configFlags, limitsOf } from "./flags.ts";
export { checkHome, findHome, type HomeSources, makeHome } from "./home.ts";
export {
  allSecrets,
  type Config,
  type ConfigSources,
  type Examined,
  examineConfig,
  loadConfig,
  secretKeys,
} from "./load.ts";
export { type Change, changesOf, type Kept, parseShown } from "./changes.ts";
export { meshLinks } from "./mesh.ts";
export { homeSecret, makeSecret, readSecret, Secret } from "./secret.ts";
export { checkConfig, type ConfigFindings, type ShownSetting, showConfig } from "./show.ts";
export { findSocket, longestSocketPath, placeSocket, type SocketSources } from "./socket.ts";
export {
  describeOrigin,
  type GivenSecret,
  type Key,
  type Origin,
  type SecretKey,
  type Values,
} from "./values.ts";
export { usualMesh } from "./reach.table.ts";
