/** What gives a token for a login that begins now. */
export type GiveToken = () => string | Promise<string>;
