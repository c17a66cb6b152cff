// Which release is this? A test holds it equal to deno.json's.

/** The library's version. */
export const version = "0.1.0";
