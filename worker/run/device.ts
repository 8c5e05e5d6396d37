import type { Device } from "../../ipc/types.ts";

export declare const deviceIds: string[];
export declare function probeDevice(id: string): Promise<Device>;
