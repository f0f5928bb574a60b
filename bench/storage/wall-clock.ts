/** Tells the time in milliseconds since 1970, with their fraction. */
export type WallClock = () => number;

/**
 * The clock of this machine, as it was when the process started, with the resolution of `performance.now()`: a clock
 * that was set since then is not followed.
 */
export const wallClock: WallClock = () => performance.timeOrigin + performance.now();
