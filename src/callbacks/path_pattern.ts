// What does a pattern such as `{epoch:02d}-{val_loss:.2f}` stand for? Numbers in Python's notation for them.

import { DinogradError, unknownName } from "../errors.ts";

/** One number as its specification says: `02d`, `.3f`, `e`, `g`, `+d`, `>8.2f`. */
function formatNumber(value: number, specification: string, where: string): string {
  const parts = /^([<>=^]?)([+ -]?)(0?)(\d*)(?:\.(\d+))?([dfFeEgG%]?)$/.exec(specification);
  if (!parts) {
    throw new DinogradError(
      `${where}: wanted a format such as 02d, .3f, .2e or 5, got ${JSON.stringify(specification)}`,
    );
  }
  const [, align, sign, zero, width, precision, type] = parts;
  const digits = precision === undefined ? undefined : Number(precision);
  const size = Math.abs(value);
  let text: string;
  if (!Number.isFinite(value) && type !== "d") {
    text = Number.isNaN(value) ? "nan" : "inf";
  } else if (type === "d") {
    if (!Number.isInteger(value)) {
      throw new DinogradError(`${where}: "d" is for whole numbers, got ${value}`);
    }
    text = String(size);
  } else if (type === "f" || type === "F") {
    text = size.toFixed(digits ?? 6);
  } else if (type === "%") {
    text = `${(100 * size).toFixed(digits ?? 6)}%`;
  } else if (type === "e" || type === "E") {
    text = withExponent(size.toExponential(digits ?? 6));
  } else if (type === "" && digits === undefined) {
    text = String(size);
  } else { // g, or a precision alone
    const rounded = Number(size.toPrecision(Math.max(1, digits ?? 6)));
    const exponent = rounded === 0 ? 0 : Math.floor(Math.log10(rounded));
    const plain = exponent >= -4 && exponent < Math.max(1, digits ?? 6);
    text = plain ? String(rounded) : withExponent(rounded.toExponential());
  }
  if (/[EFG]/.test(type)) text = text.toUpperCase();
  const negative = value < 0 || Object.is(value, -0) && type !== "d";
  const before = negative ? "-" : sign === "-" ? "" : sign;
  const missing = Number(width || 0) - before.length - text.length;
  if (missing <= 0) return before + text;
  if (zero && !align) return before + "0".repeat(missing) + text;
  const blanks = " ".repeat(missing);
  if (align === "<") return before + text + blanks;
  if (align === "=") return before + blanks + text;
  if (align !== "^") return blanks + before + text;
  const left = blanks.slice(0, missing >> 1);
  return left + before + text + blanks.slice(left.length);
}

/** `1.5e+3` as `1.5e+03`. */
function withExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

/** The pattern with each `{name}` or `{name:format}` replaced by that number; `{{` and `}}` are braces. */
export function formatPath(pattern: string, values: Readonly<Record<string, number>>): string {
  const where = `Path pattern ${JSON.stringify(pattern)}`;
  return pattern.replace(/\{\{|\}\}|\{([^{}:]*)(?::([^{}]*))?\}|[{}]/g, (found, name, format) => {
    if (found === "{{" || found === "}}") return found[0];
    if (name === undefined) throw new DinogradError(`${where} has a brace without its other half`);
    if (!Object.hasOwn(values, name)) {
      throw unknownName(`name in ${where}`, name, Object.keys(values));
    }
    return formatNumber(values[name], format ?? "", where);
  });
}
