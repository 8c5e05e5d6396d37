export function filmRatings(users?: number, films?: number): string;
export function filmTitles(films?: number): string;
