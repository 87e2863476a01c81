/** Numbers that are the same in every run: `next` is even in [0, 1), `between` even in [from, to), `normal` has mean 0 and deviation 1. */
export interface Random {
  readonly next: () => number;
  readonly between: (from: number, to: number) => number;
  readonly integer: (below: number) => number;
  readonly normal: () => number;
}

/** Mulberry32 by Tommy Ettinger (public domain): 32 bits of state are plenty for pictures. */
export function seededRandom(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (from, to) => from + (to - from) * next(),
    integer: (below) => Math.floor(next() * below),
    // Box and Muller.
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}
