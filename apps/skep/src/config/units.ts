// Sizes in bytes and durations in milliseconds, in which settings are kept.
export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;
export const GB = 1000 ** 3;
export const second = 1000;
export const minute = 60 * second;
export const day = 24 * 60 * minute;
export const most = Number.MAX_SAFE_INTEGER;
