// A Python program as text, which the build puts into the worker.
declare module "*.py?raw" {
  const text: string;
  export default text;
}
