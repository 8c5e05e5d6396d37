/** What a chooser of files offers; a drop takes any file, as the content decides. */
export const tableEndings =
  ".csv,.tsv,.txt,.tab,.xlsx,.xlsm,.parquet,.pq,.json,.jsonl,.ndjson,.arrow,.feather,.sqlite,.sqlite3,.db,.duckdb,text/csv,text/tab-separated-values,text/plain,application/json";
