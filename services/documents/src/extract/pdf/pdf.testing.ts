/** A piece of text at a place on a page: `[font, size, x, y, text]`; fonts as in `FONTS`. */
export type PdfPiece = readonly [font: keyof typeof FONTS, size: number, x: number, y: number, text: string];

const FONTS = { plain: 'Helvetica', bold: 'Helvetica-Bold', code: 'Courier' } as const;

/** Writes a PDF file of US letter pages, as small as the format allows (ISO 32000-1, annex H). */
export function makePdf(pages: readonly (readonly PdfPiece[])[], title?: string): Uint8Array {
  const names = Object.keys(FONTS) as (keyof typeof FONTS)[];
  const fontIds = names.map((_, i) => 4 + i);
  const first = 4 + names.length;
  const objects: string[] = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_, i) => `${first + i * 2} 0 R`).join(' ')}] >>`,
    `<< ${title === undefined ? '' : `/Title (${escaped(title)})`} >>`,
    ...names.map((name) => `<< /Type /Font /Subtype /Type1 /BaseFont /${FONTS[name]} >>`),
  ];
  const resources = `<< /Font << ${names.map((name, i) => `/${name} ${fontIds[i]} 0 R`).join(' ')} >> >>`;
  for (const [i, pieces] of pages.entries()) {
    const content = pieces
      .map(([font, size, x, y, text]) => `BT /${font} ${size} Tf ${x} ${y} Td (${escaped(text)}) Tj ET`)
      .join('\n');
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources ${resources} /Contents ${first + i * 2 + 1} 0 R >>`,
      `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    );
  }
  let file = '%PDF-1.4\n';
  const offsets = objects.map((object, i) => {
    const offset = file.length;
    file += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const trailer = `<< /Size ${objects.length + 1} /Root 1 0 R /Info 3 0 R >>`;
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer\n${trailer}\nstartxref\n${file.length}\n%%EOF\n`;
  return Uint8Array.from(Buffer.from(file, 'latin1'));
}

function escaped(text: string): string {
  return text.replaceAll(/[\\()]/g, '\\$&');
}
