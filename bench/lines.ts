// How do two processes talk in lines of text?

/** Cuts text into lines, as it comes. */
export class TextLineStream extends TransformStream<string, string> {
  /** A stream for one pipe. */
  constructor() {
    let rest = "";
    super({
      transform(chunk, controller) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop()!;
        for (const line of lines) controller.enqueue(line);
      },
    });
  }
}
