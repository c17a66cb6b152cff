// What is there to read when no text was given? Sentences that a grammar makes: with subjects and verbs that agree, and with opinions.

import type { Prng } from "../../src/data/prng.ts";

/** What each symbol may become; `<name>` stands for another symbol. */
type Grammar = Readonly<Record<string, readonly string[]>>;

/** One thing that a text with symbols may become. */
function expand(grammar: Grammar, text: string, random: Prng): string {
  return text.replace(/<(\w+)>/g, (_, symbol) => {
    const choices = grammar[symbol];
    return expand(grammar, choices[random.below(choices.length)], random);
  });
}

const tales: Grammar = {
  tale: ["<who>:\n<sentence>\n\n", "<who>:\n<sentence> <sentence>\n\n"],
  who: ["FOX", "OWL", "The King", "The Miller"],
  sentence: ["<one> <does>.", "<many> <do>.", "When <one> <does>, <many> <do>!", "<ask>?"],
  ask: ["Why do <many> <do>", "Does <one> <do>", "Who knows what <one> <does>"],
  one: ["the <trait> <animal>", "the <animal>", "my <animal> who <does>", "a <animal>"],
  many: ["the <animal>s", "two <trait> <animal>s", "<animal>s who <do>", "we"],
  trait: ["old", "quick", "grey", "patient", "hungry"],
  animal: ["wolf dog", "hen", "fox", "raven", "farmer", "cat"],
  does: ["sleeps", "runs to <place>", "sees <one>", "sings", "waits for <many>"],
  do: ["sleep", "run to <place>", "see <one>", "sing", "wait for <many>"],
  place: ["the mill", "the river", "the dark wood", "town"],
};

const opinions: Grammar = {
  positive: [
    "the <thing> is <very> <good>",
    "the <thing> is not <bad> at all",
    "a <good> and <good> film , with a <thing> that is <good>",
    "it looks <bad> at first , but the <thing> is <very> <good>",
    "<good> , <good> and never <bad>",
  ],
  negative: [
    "the <thing> is <very> <bad>",
    "the <thing> is not <good> at all",
    "a <bad> and <bad> film , with a <thing> that is <bad>",
    "it looks <good> at first , but the <thing> is <very> <bad>",
    "<bad> , <bad> and never <good>",
  ],
  thing: ["plot", "acting", "music", "dialogue", "ending", "camera work", "humour", "cast"],
  very: ["very", "really", "quite", "always", "simply"],
  good: ["warm", "clever", "funny", "gripping", "beautiful", "touching", "original", "bright"],
  bad: ["dull", "clumsy", "loud", "boring", "tired", "shallow", "predictable", "cold"],
};

/** A text of at least so many characters. */
export function writeTales(length: number, random: Prng): string {
  let text = "";
  while (text.length < length) text += expand(tales, "<tale>", random);
  return text;
}

/** So many sentences of an opinion. */
export function writeOpinions(
  opinion: "positive" | "negative",
  count: number,
  random: Prng,
): string[] {
  return Array.from({ length: count }, () => expand(opinions, `<${opinion}>`, random));
}
