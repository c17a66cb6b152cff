// What do the 16-bit floats keep of a number? Rounding in plain arithmetic, against which the kernels are tested.

/** A type of 16-bit floats. */
export interface Half {
  readonly dtype: "float16" | "bfloat16";
  /** Distance from 1 to the next number. */
  readonly epsilon: number;
  /** The nearest number of the type, of two equally near ones the even one. */
  round(x: number): number;
}

function half(dtype: Half["dtype"], precision: number, least: number, largest: number): Half {
  const round = (x: number) => {
    if (x === 0 || !Number.isFinite(x)) return x;
    const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), least);
    const unit = 2 ** (exponent - precision + 1), units = x / unit, below = Math.floor(units);
    const up = units - below > 0.5 || (units - below === 0.5 && below % 2 !== 0);
    const y = (below + Number(up)) * unit;
    return Math.abs(y) > largest ? Math.sign(y) * Infinity : y;
  };
  return { dtype, epsilon: 2 ** (1 - precision), round };
}

/** Both types: bits of precision, exponent of the least normal number, largest number. */
export const halves: readonly Half[] = [
  half("float16", 11, -14, 65504),
  half("bfloat16", 8, -126, (2 - 2 ** -7) * 2 ** 127),
];
