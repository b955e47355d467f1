/**
 * A certificate authority of one's own for the embedded default: made on first start, good only on this
 * machine. Clients are told to trust `ca.pem`; the authority's key stays in the same private folder.
 * A receiver on a VPS never comes here: it is given certificate files.
 */
import { generateKeyPair } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import forge from 'node-forge';

const DAY_MS = 86_400_000;
/** Apple's clients refuse server certificates that live longer than 825 days. */
const SERVER_LIFETIME_MS = 800 * DAY_MS;
const AUTHORITY_LIFETIME_MS = 3650 * DAY_MS;
/** Renewed when less than this is left. */
const RENEW_BEFORE_MS = 60 * DAY_MS;
const SUBJECT_ALTERNATIVE = { dns: 2, ip: 7 } as const;
const AUTHORITY_NAME = 'Posthouse local authority';

export interface LocalCertificate {
  /** Absolute paths of PEM files. */
  ca: string;
  certificate: string;
  key: string;
}

interface Authority {
  certificate: forge.pki.Certificate;
  key: forge.pki.rsa.PrivateKey;
}

/** The certificate for `names` (host names and IP addresses) under `folder`, made or renewed when needed. */
export async function ensureLocalCertificate(folder: string, names: string[]): Promise<LocalCertificate> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = { ca: path.join(folder, 'ca.pem'), certificate: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
  if (isUsable(files, names)) return files;
  const authority = await loadAuthority(files.ca, path.join(folder, 'ca.key'));
  const keys = await generateKeys();
  const certificate = blankCertificate(keys.publicKey, names[0] ?? 'localhost', SERVER_LIFETIME_MS);
  certificate.setIssuer(authority.certificate.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: names.map(alternativeName) },
  ]);
  certificate.sign(authority.key, forge.md.sha256.create());
  await writePrivate(files.key, keys.pem);
  await writePrivate(files.certificate, forge.pki.certificateToPem(certificate));
  return files;
}

function isUsable(files: LocalCertificate, names: string[]): boolean {
  if (![files.ca, files.certificate, files.key].every((file) => existsSync(file))) return false;
  const certificate = forge.pki.certificateFromPem(readFileSync(files.certificate, 'utf8'));
  const extension = certificate.getExtension('subjectAltName') as { altNames?: { value: string; ip?: string }[] } | undefined;
  const covered = (extension?.altNames ?? []).map((name) => name.ip ?? name.value);
  return certificate.validity.notAfter.getTime() - Date.now() > RENEW_BEFORE_MS && names.every((name) => covered.includes(name));
}

async function loadAuthority(file: string, keyFile: string): Promise<Authority> {
  if (existsSync(file) && existsSync(keyFile)) {
    const certificate = forge.pki.certificateFromPem(await readFile(file, 'utf8'));
    return { certificate, key: forge.pki.privateKeyFromPem(await readFile(keyFile, 'utf8')) };
  }
  const keys = await generateKeys();
  const certificate = blankCertificate(keys.publicKey, AUTHORITY_NAME, AUTHORITY_LIFETIME_MS);
  certificate.setIssuer(certificate.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  certificate.sign(keys.privateKey, forge.md.sha256.create());
  await writePrivate(keyFile, keys.pem);
  await writePrivate(file, forge.pki.certificateToPem(certificate));
  return { certificate, key: keys.privateKey };
}

/** RSA, because node-forge signs nothing else; made by OpenSSL in Node, which takes a tenth of a second. */
async function generateKeys() {
  const pair = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    pem: pair.privateKey,
    privateKey: forge.pki.privateKeyFromPem(pair.privateKey),
    publicKey: forge.pki.publicKeyFromPem(pair.publicKey),
  };
}

function blankCertificate(publicKey: forge.pki.PublicKey, commonName: string, lifetime: number): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  // The leading 00 keeps the number positive (RFC 5280 §4.1.2.2).
  certificate.serialNumber = `00${crypto.randomUUID().replaceAll('-', '')}`;
  certificate.validity.notBefore = new Date(Date.now() - DAY_MS);
  certificate.validity.notAfter = new Date(Date.now() + lifetime);
  certificate.setSubject([{ name: 'commonName', value: commonName }]);
  return certificate;
}

function alternativeName(name: string): { type: number; value?: string; ip?: string } {
  return /^[\d.]+$|:/.test(name) ? { type: SUBJECT_ALTERNATIVE.ip, ip: name } : { type: SUBJECT_ALTERNATIVE.dns, value: name };
}

async function writePrivate(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
