export function haproxyConfig(page: string, port: number, nodePorts: readonly number[]): string;
