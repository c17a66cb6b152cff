// Where do the records and fields of a CSV text begin and end (RFC 4180), and what is wrong with a bad one?

import { DinogradError } from "../errors.ts";

/** One record, and the line that it begins on, from 1. */
export interface CsvRecord {
  readonly fields: string[];
  readonly line: number;
}

type State = "start" | "plain" | "quoted" | "quote"; // before a field, in one, in quotes, behind a quote in quotes

/**
 * Takes a text part by part and gives the records that are complete. Lines end with a line feed, a carriage return, or both; empty
 * lines are passed over. A field in quotes may hold delimiters, line ends, and quotes, doubled.
 */
export class CsvParser {
  readonly #name: string;
  readonly #delimiter: string;
  #state: State = "start";
  #field = "";
  #fields: string[] = [];
  #records: CsvRecord[] = [];
  #anyQuote = false; // in the present record
  #afterReturn = false; // a line feed here belongs to the line end before
  #line = 1;
  #recordLine = 1;
  #lineStart = 0; // positions in the whole text
  #partStart = 0;
  #quoteAt = "";

  /** `name` stands for the text in messages. */
  constructor(name: string, delimiter = ",") {
    if ([...delimiter].length !== 1 || /["\r\n]/.test(delimiter)) {
      throw new DinogradError(
        `CSV needs a delimiter of one character that is no quote and no line end, got ${
          JSON.stringify(delimiter)
        }`,
      );
    }
    this.#name = name;
    this.#delimiter = delimiter;
  }

  /** The records that end in this part of the text. */
  push(text: string): CsvRecord[] {
    for (let i = 0; i < text.length; i++) {
      // What is nothing special is taken as a run.
      if (this.#state === "plain" || this.#state === "quoted") {
        const from = i;
        const ends = this.#state === "quoted"
          ? (c: string) => c === '"' || c === "\n"
          : (c: string) => c === this.#delimiter || c === "\n" || c === "\r" || c === '"';
        while (i < text.length && !ends(text[i])) i++;
        this.#field += text.slice(from, i);
        if (i === text.length) break;
      }
      this.#take(text[i], i);
    }
    this.#partStart += text.length;
    return this.#records.splice(0);
  }

  /** The last record, where no line end follows it. */
  end(): CsvRecord[] {
    if (this.#state === "quoted") {
      throw new DinogradError(`${this.#name}: the quote at ${this.#quoteAt} is never closed`);
    }
    if (this.#state !== "start" || this.#fields.length > 0) this.#endRecord();
    return this.#records.splice(0);
  }

  #take(c: string, i: number): void {
    const afterReturn = this.#afterReturn;
    this.#afterReturn = false;
    if (this.#state === "quoted") {
      if (c === '"') {
        this.#state = "quote";
      } else {
        this.#field += c;
        this.#newLine(i);
      }
    } else if (c === this.#delimiter) {
      this.#endField();
    } else if (c === "\n" || c === "\r") {
      this.#newLine(i, !(afterReturn && c === "\n"));
      if (!(afterReturn && c === "\n")) this.#endRecord();
      this.#recordLine = this.#line;
      this.#afterReturn = c === "\r";
    } else if (this.#state === "start") {
      if (c === '"') {
        this.#state = "quoted";
        this.#anyQuote = true;
        this.#quoteAt = this.#where(i);
      } else {
        this.#state = "plain";
        this.#field += c;
      }
    } else if (c !== '"') {
      throw new DinogradError(
        `${this.#name}: wanted ${
          JSON.stringify(this.#delimiter)
        } or the end of the line after a closing ` +
          `quote, got ${JSON.stringify(c)} at ${this.#where(i)}`,
      );
    } else if (this.#state === "quote") {
      this.#state = "quoted";
      this.#field += c;
    } else {
      throw new DinogradError(
        `${this.#name}: a quote stands inside a field without quotes at ${
          this.#where(i)
        }: put the field in quotes, and double those inside`,
      );
    }
  }

  #where(i: number): string {
    return `line ${this.#line}, column ${this.#partStart + i - this.#lineStart + 1}`;
  }

  #newLine(i: number, counts = true): void {
    if (counts) this.#line++;
    this.#lineStart = this.#partStart + i + 1;
  }

  #endField(): void {
    this.#fields.push(this.#field);
    this.#field = "";
    this.#state = "start";
  }

  #endRecord(): void {
    this.#endField();
    const fields = this.#fields, empty = fields.length === 1 && fields[0] === "" && !this.#anyQuote;
    if (!empty) this.#records.push({ fields, line: this.#recordLine });
    this.#fields = [];
    this.#anyQuote = false;
  }
}
