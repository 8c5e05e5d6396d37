export declare function judge(report: unknown, exceptions: Record<string, unknown>, today: string): string[] | undefined;
