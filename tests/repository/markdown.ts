/** The text without fenced blocks; lines stay. */
function withoutBlocks(text: string): string {
  return text.replaceAll(/^ *(```|~~~)[^\n]*\n[\s\S]*?^ *\1 *$/gm, '');
}

/** The text without fenced blocks and code spans. */
export function withoutCode(text: string): string {
  return withoutBlocks(text).replaceAll(/(`+)[^`]*\1/g, '');
}

/** Targets of links and images, those of HTML behind the others. */
export function linksOf(text: string): string[] {
  const plain = withoutCode(text);
  const markdown = [...plain.matchAll(/\]\((?:<([^>]*)>|([^)\s]+))(?: "[^"]*")?\)/g)];
  const html = [...plain.matchAll(/\b(?:src|href)="([^"]+)"/g)];
  return [...markdown.map(match => match[1] ?? match[2]), ...html.map(match => match[1])].filter(
    target => target !== undefined,
  );
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutBlocks(text).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const name = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-');
    let anchor = name;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${name}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The rows of all tables whose first cell is a code span that matches, without its backticks. */
export function tableRowsOf(text: string, first: RegExp): string[][] {
  return withoutBlocks(text)
    .split('\n')
    .filter(line => line.startsWith('| `'))
    .map(line =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map(cell => cell.trim()),
    )
    .map(([code = '', ...rest]) => [code.replaceAll('`', ''), ...rest])
    .filter(([code = '']) => first.test(code));
}
