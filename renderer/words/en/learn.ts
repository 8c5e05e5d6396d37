// The lesson, for a reader of ten: short sentences, one idea each, every word explained where it first appears.
export const learn = {
  title: "How a machine learns",
  lead: "One line, three points, and everything a large model does, small enough to see.",

  guide: {
    label: "The lesson, step by step",
    position: (now: number, all: number) => `${now} of ${all}`,
    back: "Back",
    next: "Next",
    tryIt: "Try it",
    steps: [
      {
        title: "A line has two numbers",
        text: [
          "Every line here is written as y = a·x + b. The number a says how steeply the line climbs. The number b says how high it is where x is 0.",
        ],
        task: "Move a and b with the sliders. Can you get the line through all three points?",
      },
      {
        title: "The loss: how wrong the line is",
        text: [
          "Each red bar is a gap: how far the line misses a point. Multiply every gap by itself (that is the square you see) and take the average. This one number is called the loss.",
          "Because of the squares, one big gap counts more than several small ones. A loss of 0 means that the line hits every point.",
        ],
        task: "Move the line and watch the loss. Smaller is better: how low can you get it?",
      },
      {
        title: "Which way is down?",
        text: [
          "A machine has no eyes. It asks one question about each number: if I make you a tiny bit bigger, does the loss rise or fall, and how fast? The answer is called the slope.",
          "A minus in front means: bigger makes the loss fall. No minus: bigger makes it rise. So always go against the slope, as you would walk down a hill in fog.",
        ],
        task: "Find the slopes of a and b below. The arrows point downhill.",
      },
      {
        title: "Take a step",
        text: [
          "A step is a nudge to a and a nudge to b, both downhill, both at once. How big? The slope times a small number that you choose: the learning rate. Where it is steep the nudge is big, where it is gentle the nudge is small.",
        ],
        task: "Press Step once and check the sum at a and at b.",
      },
      {
        title: "And again, and again",
        text: [
          "One step is not enough. So: look at the gaps, find which way is down, take a step. And then the same again. Near the bottom the hill gets flatter, and so the steps get smaller all by themselves.",
        ],
        task: "Press Run and watch the loss fall. Then drag a point somewhere else: the line sets off after it.",
      },
      {
        title: "Tiny steps, giant steps",
        text: [
          "The learning rate says how long the steps are. Too small, and it takes forever. Too large, and each step leaps right over the valley and lands higher up on the other side: the loss grows instead of shrinking.",
        ],
        task: "Start again with one of these learning rates:",
      },
      {
        title: "That is all learning is",
        text: [
          "Gap, slope, step, again. Nobody told the machine which line is right. It found out by getting a little less wrong, many times.",
          "A neural network is many such lines, each feeding the next, with a bend in between so that together they can follow any curve. Instead of two numbers it has thousands, or billions. Every one of them is nudged in just this way.",
        ],
        task: "Now let it learn from a table of yours: drop a file anywhere in the window.",
      },
    ],
  },

  picture: {
    label: (points: number, line: string) => `The line ${line} and ${points} points`,
    point: (x: string, y: string) => `Point at x ${x}, y ${y}`,
    pointHelp: "Arrow keys move it, Delete takes it away",
    left: "The line has left the picture.",
    add: "Add point",
    addHelp: "A double-click on an empty place adds one there.",
    remove: "Remove point",
    help: "Drag the points.",
    squares: "Show squares",
    gap: "gap",
  },

  readout: {
    line: "The line",
    loss: "Loss",
    lossUnit: "mean squared gap",
    step: "Steps",
  },

  walk: {
    step: "Step",
    run: "Run",
    pause: "Pause",
    reset: "Start again",
    restore: "First points again",
    optimizer: "How it walks",
    rate: "Learning rate",
    rateHelp: "How long the steps are. The nudge is the slope times this number.",
    optimizers: {
      sgd: { name: "Plain", note: "SGD: every nudge is the slope times the learning rate, downhill." },
      momentum: { name: "Rolling", note: "Momentum: like a ball, it keeps some of its speed from the steps before." },
      adam: { name: "Adam", note: "Adam: each number gets its own stride, about one learning rate a step, steep or flat." },
    },
  },

  nudge: {
    label: (name: "a" | "b"): string => (name === "a" ? "a: how steep" : "b: how high at x = 0"),
    slope: "slope",
    rate: "learning rate",
    nudge: "nudge",
    bigger: (name: string) => `A bigger ${name} makes the loss fall.`,
    smaller: (name: string) => `A smaller ${name} makes the loss fall.`,
    flat: (name: string) => `For ${name} it is flat here: no nudge.`,
    against: "minus, because we go against the slope",
    byMomentum: "plus what is left of the speed before",
    byAdam: "scaled to the usual size of the slope",
  },

  trend: {
    start: "Press Step for one step, or Run for many.",
    running: "Look at the gaps, find which way is down, step. And again.",
    down: (from: string, to: string) => `Less wrong: this step brought the loss from ${from} down to ${to}.`,
    up: (from: string, to: string) => `Too far: this step leapt over the bottom, and the loss grew from ${from} to ${to}.`,
    settled: (loss: string) => `It has arrived: the loss is ${loss}, and no step makes it smaller. The line rests.`,
    zero: "practically 0",
    diverged: (rate: string) =>
      `The steps are too long. With a learning rate of ${rate} each one leaps over the valley and lands higher than it began, so the loss explodes. I have stopped.`,
    gentler: (rate: string) => `Start again with ${rate}`,
  },

  curve: {
    title: "The loss, step by step",
    loss: "loss",
    y: "mean squared gap",
    x: "step",
    log: "Zoom in on small losses",
    empty: "The curve begins with the first step.",
  },

  bowl: {
    title: "The walk from above",
    label: (a: string, b: string, loss: string) => `Map of the loss. The line stands at a ${a}, b ${b}, where the loss is ${loss}.`,
    help: "Every place on this map is a line: a to the right, b upwards. The greener, the smaller its loss. The dot walks into the valley. Click to put it somewhere else.",
  },

  own: {
    title: "On your own two columns",
    help: "A table that is a project here can lend its rows: two columns of numbers become points, and the same line learns them.",
    table: "Table",
    none: "There is no table with two columns of numbers yet. Drop one anywhere in the window.",
    x: "x, to the right",
    y: "y, upwards",
    use: "Show these points",
    shown: (points: number, rows: number) =>
      `${points} of ${rows} rows are shown. Each column is stretched to fit the picture, so that one learning rate suits them all.`,
    tooFew: "Fewer than two of the rows have a number in both columns, or all x are the same. Choose others.",
  },

  failed: "The lesson's engine did not answer.",
  again: "Try again",
};

/** What every language has to say. */
export type LearnWords = typeof learn;
