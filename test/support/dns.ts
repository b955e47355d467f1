/**
 * A small authoritative DNS server on loopback, UDP and TCP (RFC 1035), for tests: knows what it is told, says
 * NXDOMAIN to the rest, and can be told to stay silent. Names are compared in lower case; no compression.
 */
import dgram from 'node:dgram';
import net, { type AddressInfo } from 'node:net';

/** The records of one name. `MX`: preference and host. */
export interface DnsRecords {
  A?: string[];
  AAAA?: string[];
  MX?: [number, string][];
  TXT?: string[];
  PTR?: string[];
  NS?: string[];
  /** Never answered, while the rest of the world is. */
  silent?: true;
}

export interface DnsServer {
  /** `127.0.0.1:port`, as `Config.dns` takes it. */
  readonly address: string;
  /** May be changed while it runs. */
  readonly records: Map<string, DnsRecords>;
  /** Questions received, as `name TYPE`. */
  readonly questions: string[];
  setSilent(silent: boolean): void;
  close(): Promise<void>;
}

const TYPES: Record<number, 'A' | 'AAAA' | 'MX' | 'TXT' | 'PTR' | 'NS'> = { 1: 'A', 2: 'NS', 12: 'PTR', 15: 'MX', 16: 'TXT', 28: 'AAAA' };
const NXDOMAIN = 3;
/** Without EDNS a larger answer goes by TCP (RFC 1035 §4.2.1). */
const UDP_MAX = 512;

/** Starts a server with these records. */
export async function startDns(records: Record<string, DnsRecords> = {}): Promise<DnsServer> {
  const zone = new Map(Object.entries(records).map(([name, found]) => [name.toLowerCase(), found]));
  const questions: string[] = [];
  let silent = false;
  const answer = (query: Buffer): Buffer | null => (silent ? null : respond(query, zone, questions));
  const tcp = net.createServer((socket) => serveTcp(socket, answer));
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  const { port } = tcp.address() as AddressInfo;
  const udp = dgram.createSocket('udp4', (query, from) => {
    const response = answer(query);
    if (response) udp.send(response.length > UDP_MAX ? truncated(response) : response, from.port, from.address);
  });
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${port}`,
    records: zone,
    questions,
    setSilent(value) {
      silent = value;
    },
    async close() {
      await new Promise<void>((resolve) => udp.close(resolve));
      await new Promise((resolve) => tcp.close(resolve));
    },
  };
}

function serveTcp(socket: net.Socket, answer: (query: Buffer) => Buffer | null): void {
  let held = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const end = 2 + held.readUInt16BE(0);
      const response = answer(held.subarray(2, end));
      held = held.subarray(end);
      if (response) socket.write(Buffer.concat([uint16(response.length), response]));
    }
  });
}

function respond(query: Buffer, zone: Map<string, DnsRecords>, questions: string[]): Buffer | null {
  const { name, type, end } = readQuestion(query);
  const kind = TYPES[type];
  questions.push(`${name} ${kind ?? type}`);
  const found = zone.get(name);
  if (found?.silent) return null;
  const data = found && kind ? encodeRecords(found, kind) : [];
  const known = found !== undefined || name === '' || [...zone.keys()].some((other) => other.endsWith(`.${name}`));
  const header = Buffer.concat([
    query.subarray(0, 2),
    uint16(0x8580 | (known ? 0 : NXDOMAIN)),
    uint16(1),
    uint16(data.length),
    uint16(0),
    uint16(0),
  ]);
  const answers = data.map((rdata) =>
    Buffer.concat([uint16(0xc00c), uint16(type), uint16(1), Buffer.alloc(4), uint16(rdata.length), rdata]),
  );
  return Buffer.concat([header, query.subarray(12, end), ...answers]);
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += length + 1;
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function encodeRecords(records: DnsRecords, kind: 'A' | 'AAAA' | 'MX' | 'TXT' | 'PTR' | 'NS'): Buffer[] {
  const encoders = {
    A: () => (records.A ?? []).map((address) => Buffer.from(address.split('.').map(Number))),
    AAAA: () => (records.AAAA ?? []).map(encodeIpv6),
    MX: () => (records.MX ?? []).map(([preference, host]) => Buffer.concat([uint16(preference), encodeName(host)])),
    TXT: () => (records.TXT ?? []).map(encodeText),
    PTR: () => (records.PTR ?? []).map(encodeName),
    NS: () => (records.NS ?? []).map(encodeName),
  };
  return encoders[kind]();
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])]);
}

/** Character strings of at most 255 octets (RFC 1035 §3.3). */
function encodeText(text: string): Buffer {
  const octets = Buffer.from(text);
  const strings: Buffer[] = [];
  for (let at = 0; at < octets.length || at === 0; at += 255) {
    const piece = octets.subarray(at, at + 255);
    strings.push(Buffer.concat([Buffer.from([piece.length]), piece]));
  }
  return Buffer.concat(strings);
}

function encodeIpv6(address: string): Buffer {
  const [left = '', right] = address.split('::');
  const head = left.split(':').filter(Boolean);
  const tail = (right ?? '').split(':').filter(Boolean);
  const zeros = Array<string>(right === undefined ? 0 : 8 - head.length - tail.length).fill('0');
  return Buffer.concat([...head, ...zeros, ...tail].map((group) => uint16(Number.parseInt(group, 16))));
}

/** Header and question only, with the TC bit. */
function truncated(response: Buffer): Buffer {
  const cut = Buffer.from(response.subarray(0, readQuestion(response).end));
  cut.writeUInt16BE(cut.readUInt16BE(2) | 0x0200, 2);
  cut.writeUInt16BE(0, 6);
  return cut;
}

function uint16(value: number): Buffer {
  const octets = Buffer.alloc(2);
  octets.writeUInt16BE(value);
  return octets;
}
