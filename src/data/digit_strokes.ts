// Which pen strokes make a handwritten digit, in the ways that people write it?

/** A point of a glyph, in a box of 100 by 100. */
export interface Point {
  /** From 0 (left) to 100. */
  x: number;
  /** From 0 (top) to 100. */
  y: number;
  /** The pen changes direction here at once; elsewhere it draws a smooth curve. */
  corner: boolean;
}

/** What the pen draws without being lifted. */
export type Stroke = Point[];

/** Ways of writing each digit: "x,y" points, "!" after a corner, ";" where the pen is lifted. */
const written: string[][] = [
  [ // 0: round, narrow, begun at the side, closed with a flourish
    "56,5 28,14 14,50 26,84 50,95 76,82 86,50 74,16 46,4 26,16",
    "52,4 34,18 28,52 36,84 52,96 66,82 72,48 66,18 48,4 36,16",
    "80,32 62,6 32,12 16,48 26,84 52,95 76,80 84,48 76,20",
    "62,10 34,10 16,44 24,84 52,96 80,76 84,36 62,8 40,14 58,24",
  ],
  [ // 1: a bar, leaning, with a serif, with a base
    "50,5 51,35 49,65 50,95",
    "62,5 56,35 48,65 40,95",
    "28,28 52,5! 52,50 51,95",
    "34,22 52,6! 52,50 51,94! ; 28,95 74,94",
    "24,34 58,6! 54,50 48,95",
  ],
  [ // 2: with a sharp heel, with a loop, with a wave
    "18,26 34,8 60,6 78,24 68,50 42,74 18,93! 50,92 84,92",
    "20,26 38,7 66,8 78,28 64,58 38,86 20,92 18,80 34,76 58,88 84,88",
    "22,30 44,6 74,18 70,44 46,70 20,93! 40,86 62,94 86,88",
    "16,16 46,4 72,14 66,42 40,70 24,94! 82,96",
  ],
  [ // 3: round, with a flat top, with a knot in the waist
    "20,18 45,5 72,16 68,36 42,47! 74,58 78,80 50,96 18,84",
    "20,9! 48,8 78,8! 60,26 44,42! 74,54 78,78 50,96 18,86",
    "20,18 48,5 72,18 64,38 44,48 36,44 48,42 72,56 76,80 48,95 18,82",
    "26,10 58,6 74,22 56,44! 78,62 66,90 36,96 22,90",
  ],
  [ // 4: open, closed, with a round cup, with a short foot
    "30,8 24,34 18,58! 50,56 86,54 ; 70,12 68,54 65,96",
    "66,5 40,36 14,66! 50,66 90,64 ; 66,5 66,50 65,96",
    "25,10 22,40 42,54 72,46 ; 76,8 72,50 66,96",
    "22,12 18,44 30,58 56,56 80,50 ; 74,6 68,46 58,95",
  ],
  [ // 5: in one stroke, with the flag drawn last, bent like an S, with a closing belly
    "78,8! 54,8 32,9! 27,44! 54,40 78,58 74,84 48,96 18,86",
    "32,10 27,46! 54,40 78,60 70,88 44,96 18,86 ; 32,10 56,9 82,6",
    "78,10 46,8 30,26 46,44 74,62 68,88 42,96 18,86",
    "70,8 38,10! 28,46! 56,42 78,64 62,92 34,94 22,74",
  ],
  [ // 6: with a wide bow, straight, with a small bowl
    "70,6 40,26 20,60 30,90 60,95 77,76 62,56 36,60 22,76",
    "60,4 40,30 22,66 36,94 66,92 74,70 52,56 26,70",
    "44,4 28,36 24,76 46,96 72,84 66,62 44,60 28,78",
    "76,12 44,10 20,44 22,82 50,96 76,80 70,56 44,52 24,68",
  ],
  [ // 7: plain, with a bar, with a serif, curved
    "16,12! 48,11 82,10! 62,50 42,95",
    "16,12! 48,11 82,10! 62,50 44,95 ; 36,54 56,52 76,50",
    "20,26! 20,10! 52,11 84,10! 60,48 46,95",
    "16,16 34,8 60,14 82,10! 60,46 54,95",
    "22,20 44,8 72,10 74,26 64,60 54,95",
  ],
  [ // 8: begun at the upper right, two circles, an S closed upwards, with an open head
    "70,18 48,5 27,20 42,42 66,58 74,80 50,96 26,80 36,58 62,40 72,22 60,8",
    "50,48 28,28 48,5 72,25 50,48 25,72 50,96 76,72 52,48",
    "78,16 50,5 28,24 50,46 74,72 50,96 26,78 46,52 66,32 80,14",
    "72,12 44,6 28,24 54,46 72,74 48,96 28,78 50,48 76,24",
  ],
  [ // 9: with a straight leg, with a hook, leaning, with an open head
    "72,20 48,5 24,26 36,50 62,46 74,22! 72,60 70,95",
    "74,20 46,6 24,28 40,50 66,42 74,20! 75,60 62,90 30,94",
    "70,14 42,8 24,34 42,50 64,38 72,12! 64,56 52,95",
    "64,10 36,10 24,36 46,50 74,38 78,12! 72,54 64,95",
  ],
];

function parseGlyph(text: string): Stroke[] {
  return text.split(";").map((stroke) =>
    stroke.trim().split(/\s+/).map((point) => {
      const [x, y] = point.replace("!", "").split(",").map(Number);
      return { x, y, corner: point.endsWith("!") };
    })
  );
}

/** The strokes of each digit's variants: `digitStrokes[digit][variant]`. */
export const digitStrokes: Stroke[][][] = written.map((variants) => variants.map(parseGlyph));
