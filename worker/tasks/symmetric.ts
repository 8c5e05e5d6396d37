// The inverse of a symmetric positive definite matrix, by Cholesky: A = L·Lᵀ, X = L⁻¹, A⁻¹ = Xᵀ·X. All rows run along memory; four are taken
// at a time, as memory is what it waits for.

/**
 * Inverts in place.
 * @param a (n, n) row-major; the lower half is read   @param pause called now and then, to hear a cancel
 * @returns `a`, both halves filled
 * @throws RangeError where a is not positive definite
 */
export async function invertSymmetric(
  a: Float64Array,
  n: number,
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<Float64Array> {
  const rows = Array.from({ length: n }, (_, i) => a.subarray(i * n, (i + 1) * n));
  for (let i = 0; i < n; i++) {
    factorRow(rows, i);
    if (i % 64 === 0) await pause();
  }
  for (let i = 0; i < n; i++) {
    invertRow(rows, i);
    if (i % 64 === 0) await pause();
  }
  const product = new Float64Array(n * n);
  for (let i = 0; i < n; i += 4) {
    addProduct(product, rows, i, Math.min(n, i + 4), n);
    if (i % 64 === 0) await pause();
  }
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      a[i * n + j] = product[i * n + j]!;
      a[j * n + i] = product[i * n + j]!;
    }
  return a;
}

/** Row i of L in the place of row i of A; the rows above are done. */
function factorRow(rows: readonly Float64Array[], i: number): void {
  const mine = rows[i]!;
  for (let j = 0; j < i; j++) {
    const other = rows[j]!;
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    let k = 0;
    for (; k + 3 < j; k += 4) {
      s0 += mine[k]! * other[k]!;
      s1 += mine[k + 1]! * other[k + 1]!;
      s2 += mine[k + 2]! * other[k + 2]!;
      s3 += mine[k + 3]! * other[k + 3]!;
    }
    for (; k < j; k++) s0 += mine[k]! * other[k]!;
    mine[j] = (mine[j]! - (s0 + s1 + (s2 + s3))) / other[j]!;
  }
  let rest = mine[i]!;
  for (let k = 0; k < i; k++) rest -= mine[k]! * mine[k]!;
  if (!(rest > 0)) throw new RangeError(`the matrix is not positive definite at row ${i}`);
  mine[i] = Math.sqrt(rest);
}

/** Row i of X = L⁻¹ in the place of row i of L: x_i = (e_i - Σ l_ik · x_k) / l_ii; the rows above are done. */
function invertRow(rows: readonly Float64Array[], i: number): void {
  const mine = rows[i]!;
  const factors = mine.slice(0, i);
  const scale = 1 / mine[i]!;
  mine.fill(0, 0, i);
  let k = 0;
  for (; k + 3 < i; k += 4) {
    const [x0, x1, x2, x3] = [rows[k]!, rows[k + 1]!, rows[k + 2]!, rows[k + 3]!];
    const [f0, f1, f2, f3] = [factors[k]!, factors[k + 1]!, factors[k + 2]!, factors[k + 3]!];
    for (let j = 0; j <= k; j++) mine[j] = mine[j]! - (f0 * x0[j]! + f1 * x1[j]! + f2 * x2[j]! + f3 * x3[j]!);
    // the last three end later, each one further
    mine[k + 1] = mine[k + 1]! - (f1 * x1[k + 1]! + f2 * x2[k + 1]! + f3 * x3[k + 1]!);
    mine[k + 2] = mine[k + 2]! - (f2 * x2[k + 2]! + f3 * x3[k + 2]!);
    mine[k + 3] = mine[k + 3]! - f3 * x3[k + 3]!;
  }
  for (; k < i; k++) {
    const x = rows[k]!;
    for (let j = 0; j <= k; j++) mine[j] = mine[j]! - factors[k]! * x[j]!;
  }
  for (let j = 0; j < i; j++) mine[j] = mine[j]! * scale;
  mine[i] = scale;
}

/** product += Σ x_iᵀ · x_i for rows from … to, lower half. */
function addProduct(product: Float64Array, rows: readonly Float64Array[], from: number, to: number, n: number): void {
  const zero = new Float64Array(n);
  // A row ends at its own place; what stands behind it is not X.
  const at = (i: number) => (i < to ? Float64Array.from({ length: n }, (_, j) => (j <= i ? rows[i]![j]! : 0)) : zero);
  const [x0, x1, x2, x3] = [at(from), at(from + 1), at(from + 2), at(from + 3)];
  for (let j = 0; j < to; j++) {
    const [f0, f1, f2, f3] = [x0[j]!, x1[j]!, x2[j]!, x3[j]!];
    const row = product.subarray(j * n, j * n + j + 1);
    for (let k = 0; k <= j; k++) row[k] = row[k]! + (f0 * x0[k]! + f1 * x1[k]! + f2 * x2[k]! + f3 * x3[k]!);
  }
}
