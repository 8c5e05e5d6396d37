export { Builder, type Value } from "../ops/builder.ts";
