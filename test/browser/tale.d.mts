export function tale(paragraphs?: number): string;
