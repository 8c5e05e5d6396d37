// A workbook by its parts: so that changes get through the compression.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import yazl from "yazl";
import { openTable } from "../../../worker/data/table.ts";
import type { Target } from "../target.ts";

const ns = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';
const relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const parts: Record<string, string> = {
  "[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`,
  "_rels/.rels": `<Relationships><Relationship Id="r1" Type="${relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
  "xl/workbook.xml": `<workbook ${ns} xmlns:r="${relations}"><workbookPr date1904="0"/><sheets><sheet name="A &amp; B" sheetId="1" r:id="r1"/><sheet name="C" sheetId="2" state="hidden" r:id="r2"/></sheets></workbook>`,
  "xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Type="${relations}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="${relations}/worksheet" Target="/xl/worksheets/sheet1.xml"/><Relationship Id="r3" Type="${relations}/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="r4" Type="${relations}/styles" Target="styles.xml"/></Relationships>`,
  "xl/sharedStrings.xml": `<sst ${ns} count="3"><si><t>name</t></si><si><t xml:space="preserve"> size </t></si><si><r><t>rich</t></r><r><t>er</t></r><rPh><t>x</t></rPh></si></sst>`,
  "xl/styles.xml": `<styleSheet ${ns}><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/></cellXfs></styleSheet>`,
  "xl/worksheets/sheet1.xml": `<worksheet ${ns}><dimension ref="A1:D4"/><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="D1" t="inlineStr"><is><t>in&#x41;</t></is></c></row><row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2"><v>1.5</v></c><c r="C2" s="1"><v>45000.5</v></c><c r="D2" t="b"><v>1</v></c></row><row r="4"><c r="A4" t="str"><f>A1</f><v>x</v></c><c r="B4" t="e"><v>#DIV/0!</v></c><c r="C4" s="2"><v>61</v></c><c r="D4" t="d"><v>2024-01-02T03:04:05Z</v></c></row></sheetData><mergeCells><mergeCell ref="A1:B1"/></mergeCells></worksheet>`,
};
const names = Object.keys(parts);

export const xlsxParts: Target = {
  parts: names,
  seeds: () => [names.map((name) => Buffer.from(parts[name]!))],
  async read(input, folder) {
    const zip = new yazl.ZipFile();
    input.forEach((bytes, i) => zip.addBuffer(bytes, names[i]!, { compress: false }));
    zip.end();
    const file = join(folder, "table.xlsx");
    writeFileSync(file, await buffer(zip.outputStream));
    const table = await openTable(file, { cache: join(folder, "cache") });
    await table.rows(0, 100).finally(() => table.close());
  },
  words: [
    "<c ",
    'r="XFD1048576"',
    'r="A0"',
    't="s"',
    's="99"',
    "<![CDATA[",
    "<!DOCTYPE x [",
    "<!ENTITY a 'b'>",
    "&a;",
    "&#x110000;",
    "&#0;",
    "<!--",
    "-->",
    "</row>",
    "<row r=",
    "1e308",
    "-1",
    "xml:space",
  ],
  code: /\/worker\/data\/readers\/(xlsx|xml|zip)/,
  most: 2 ** 14,
};
