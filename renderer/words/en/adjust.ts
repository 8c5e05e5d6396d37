export const adjust = {
  title: "Training settings",
  open: "Adjust",
  lead: "Nothing here is needed for a good result. An empty field follows the plan; a change holds from the next training on.",
  help: (what: string, usual: string, why: string) => `${what} Default “${usual}”: ${why}`,
  asking: "…",
  asPlanned: (value: string) => `Default: ${value}`,
  back: "Back to the defaults",
  changed: (n: number) => (n === 1 ? "1 changed" : `${n} changed`),
  on: "Yes",
  off: "No",
  unit: (seconds: string) => `${seconds} s`,
  problems: {
    notNumber: "Write a number, such as 0.003.",
    notWhole: "Write a whole number.",
    tooSmall: (limit: string) => `Write ${limit} or more.`,
    tooLarge: (limit: string) => `Write ${limit} or less.`,
  },
  optimizers: { adamw: "AdamW", muon: "Muon", adam: "Adam", momentum: "Momentum", sgd: "SGD" },
  schedules: {
    warmup: "Short rise, then slowly down",
    cosine: "Slowly down",
    onecycle: "Long rise, then far down",
    plateau: "Down whenever it gets no better",
    step: "Down in three stairs",
    constant: "Always the same",
  },
  classWeights: { none: "By number of rows", balanced: "All classes equal" },
  textModel: {
    label: "How it reads texts",
    help: "Pieces are quick and hard to beat on a few thousand texts. The transformer reads words in their order; it takes longer, and wants many texts.",
    names: { ngrams: "Pieces of words and letters", transformer: "A small transformer" },
  },
  splitBy: {
    title: "What parts the rows",
    ways: { random: "At random", stratified: "Every class by its share", group: "Whole groups", time: "By time, the latest test" },
    column: { group: "Rows of one group have the same", time: "When a row is from" },
    help: {
      random:
        "The content of a row decides, so that copies stay together and rows added later move none. Default, because it suits rows that have nothing to do with each other.",
      stratified: "Each class gives a tenth to checking and a tenth to the test, to the row. Good where a class is rare.",
      group: "All rows of a person, a shop, a session lie on one side. Good where several rows come from the same one.",
      time: "The latest tenth tests, the tenth before it checks. Good where tomorrow is to be told from yesterday.",
    },
  },
  fields: {
    optimizer: {
      help: "How a step turns the slopes of the loss into new weights.",
      why: "it suits nearly every table without any tuning.",
    },
    lr: {
      help: "How far one step moves the weights. Too small learns slowly, too large never settles.",
      why: "it is a good size for this optimizer.",
    },
    schedule: { help: "How the learning rate changes while it trains.", why: "small steps first and last make the end more exact." },
    weightDecay: {
      help: "Pulls the weights a little towards 0 at each step, against learning by heart.",
      why: "a gentle pull rarely does harm.",
    },
    classWeight: {
      help: "How much a class counts while learning. With the same for every class, rare classes are found more often, and others taken for them more often.",
      why: "the probabilities then fit the data as they are.",
    },
    batch: {
      help: "How many rows are looked at before the weights move once.",
      why: "it follows the number of rows: enough for a steady step, few enough for many of them.",
    },
    epochs: {
      help: "How often all rows are gone through, at most.",
      why: "that many fit into the time; training stops before when it no longer helps.",
    },
    seconds: { help: "The longest time to train, in seconds.", why: "most tables are learned well before." },
    seed: {
      help: "Where chance begins: the rows held out, the order, the first weights. The same seed gives the same result.",
      why: "any number is as good as another.",
    },
    shuffle: {
      help: "Brings the rows into a new order for each pass.",
      why: "the order in the file would otherwise be learned with the data.",
    },
    split: {
      help: "Keeps a tenth of the rows back to check on and a tenth to test on. Without them nobody knows how good it is on new rows.",
      why: "only rows it has never seen show what it has understood.",
    },
  },
};
