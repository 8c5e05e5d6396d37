// Errors are data: a code that programs read, one sentence of what happened, one of what to do, and the facts as fields, so
// that a screen can say the same in another language. The list of codes is closed: the dictionaries are typed over it.

/** Every way in which Paddock says no, with the exit code the command line gives for it (DESIGN.md section 5). */
export const errorCodes = {
  // files and folders
  fileMissing: 3,
  fileUnreadable: 3,
  fileEmpty: 3,
  fileNotText: 3,
  fileTooLarge: 3,
  fileBroken: 3,
  partMissing: 3,
  fileChanged: 3,
  formatUnknown: 3,
  folderNotEmpty: 2,
  folderNotWritable: 1,
  diskFull: 1,
  // tables
  tableNoRows: 3,
  tableNoColumns: 3,
  tableRagged: 3,
  tableEncoding: 3,
  columnMissing: 3,
  targetMissing: 3,
  targetEmpty: 3,
  targetConstant: 3,
  targetTooManyClasses: 3,
  targetNotNumeric: 3,
  noFeatures: 3,
  tooFewRows: 3,
  valueInvalid: 3,
  // pictures and archives
  archiveInvalid: 3,
  archiveUnsafe: 3,
  archiveTooLarge: 3,
  pictureInvalid: 3,
  picturesMissing: 3,
  classesMissing: 3,
  titlesMissing: 3,
  // models and graphs
  modelInvalid: 3,
  modelMissing: 3,
  operatorUnknown: 3,
  exportUnsupported: 3,
  exportDiffers: 1,
  gradientMissing: 3,
  shapeMismatch: 3,
  // runs and projects
  runMissing: 3,
  runInvalid: 3,
  runNewer: 3,
  runNotTrained: 3,
  runBusy: 2,
  projectMissing: 3,
  projectInvalid: 3,
  recordNewer: 3,
  chatMissing: 3,
  chatInvalid: 3,
  // the machine
  deviceUnknown: 2,
  deviceFailed: 1,
  outOfMemory: 4,
  workerDied: 1,
  lossNotFinite: 1,
  // updates
  updateNoKey: 3,
  updateInvalid: 3,
  updateSignature: 3,
  updatePlatform: 3,
  updateOlder: 3,
  // asking
  usage: 2,
  cancelled: 5,
  interrupted: 5,
  connectionLost: 1,
  unauthorized: 1,
  networkRefused: 1,
  internal: 1,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof errorCodes;

/** Facts that a message can name: file, row, column, value, operator, limits. Plain values only, so that they travel. */
export type ErrorData = Record<string, string | number | boolean | null | string[] | number[]>;

/** What crosses a border. */
export interface ErrorRecord {
  code: ErrorCode;
  message: string;
  hint: string;
  data: ErrorData;
  cause?: string;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly data: ErrorData;

  /**
   * @param message what happened, one sentence, in English, naming file, row and column where there are any
   * @param hint what can be done about it, one sentence
   */
  constructor(code: ErrorCode, message: string, hint: string, data: ErrorData = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "AppError";
    this.code = code;
    this.hint = hint;
    this.data = data;
  }

  get exitCode(): number {
    return errorCodes[this.code];
  }

  toRecord(): ErrorRecord {
    const record: ErrorRecord = { code: this.code, message: this.message, hint: this.hint, data: this.data };
    if (this.cause !== undefined) record.cause = describe(this.cause);
    return record;
  }

  static fromRecord(record: ErrorRecord): AppError {
    return new AppError(record.code, record.message, record.hint, record.data, record.cause);
  }

  /** Any thrown thing as an AppError: ours as it is, an abort as `cancelled`, the rest as `internal` with its words kept. */
  static from(thrown: unknown): AppError {
    if (thrown instanceof AppError) return thrown;
    if (thrown instanceof Error && thrown.name === "AbortError")
      return new AppError("cancelled", "The work was cancelled.", "Start it again when you like.", {}, thrown);
    return new AppError("internal", describe(thrown), "This is a fault of Paddock: please report it with the log.", {}, thrown);
  }
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(errorCodes, code);
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
