/**
 * The certificate a receiver shows, read from its files and read again when they change, so that a
 * renewal needs no restart and drops no connection. A pair that does not fit together is refused and the
 * old one stays: half-written files are the usual state in the middle of a renewal.
 */
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Log } from '../log.ts';

/** ACME clients write two or three files in a row; wait for the last. */
const SETTLE_MS = 200;

export interface TlsMaterial {
  key: Buffer;
  cert: Buffer;
}

export interface TlsFiles {
  /** The material in force. */
  current(): TlsMaterial;
  /** Called after each swap. */
  onChange(listener: () => void): void;
  close(): void;
}

/** Reads both files and watches their folders. Throws when they cannot be used at the start. */
export function watchTlsFiles(files: { certificate: string; key: string }, log: Log): TlsFiles {
  let material = readMaterial(files);
  let timer: NodeJS.Timeout | undefined;
  const listeners: (() => void)[] = [];
  const reload = () => {
    try {
      const fresh = readMaterial(files);
      if (fresh.cert.equals(material.cert) && fresh.key.equals(material.key)) return;
      material = fresh;
      log.info('tls.swapped', { certificate: files.certificate });
      for (const listener of listeners) listener();
    } catch (error) {
      log.warn('tls.unusable', { certificate: files.certificate, reason: error, kept: 'the previous certificate' });
    }
  };
  const watchers: FSWatcher[] = [...new Set([path.dirname(files.certificate), path.dirname(files.key)])].map((folder) =>
    watch(folder, () => {
      clearTimeout(timer);
      timer = setTimeout(reload, SETTLE_MS);
    }),
  );
  return {
    current: () => material,
    onChange: (listener) => listeners.push(listener),
    close() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

function readMaterial(files: { certificate: string; key: string }): TlsMaterial {
  const material = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
  createSecureContext(material);
  return material;
}
