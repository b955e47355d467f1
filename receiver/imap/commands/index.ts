/**
 * Every command we know (RFC 9051 §6): one file each, this table in front of them. A command that is not here
 * does not exist; in which states it may run is part of it.
 */
import type { Command } from '../client.ts';
import { append } from './append.ts';
import { authenticate } from './authenticate.ts';
import { capability } from './capability.ts';
import { close, unselect } from './close.ts';
import { compress } from './compress.ts';
import { copy, move } from './copy.ts';
import { create } from './create.ts';
import { deleteMailbox } from './delete.ts';
import { enable } from './enable.ts';
import { esearch } from './esearch.ts';
import { expunge } from './expunge.ts';
import { fetch } from './fetch.ts';
import { id } from './id.ts';
import { idle } from './idle.ts';
import { getJmapAccess } from './jmapaccess.ts';
import { list } from './list.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { lsub } from './lsub.ts';
import { getMetadata, setMetadata } from './metadata.ts';
import { namespace } from './namespace.ts';
import { check, noop } from './noop.ts';
import { notify } from './notify.ts';
import { getQuota, getQuotaRoot, setQuota } from './quota.ts';
import { rename } from './rename.ts';
import { replace } from './replace.ts';
import { search } from './search.ts';
import { examine, select } from './select.ts';
import { sort } from './sort.ts';
import { starttls } from './starttls.ts';
import { status } from './status.ts';
import { store } from './store.ts';
import { subscribe, unsubscribe } from './subscribe.ts';
import { thread } from './thread.ts';

/** By name. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  [
    append,
    authenticate,
    capability,
    check,
    close,
    compress,
    copy,
    create,
    deleteMailbox,
    enable,
    esearch,
    examine,
    expunge,
    fetch,
    getJmapAccess,
    getMetadata,
    getQuota,
    getQuotaRoot,
    id,
    idle,
    list,
    login,
    logout,
    lsub,
    move,
    namespace,
    noop,
    notify,
    rename,
    replace,
    search,
    select,
    sort,
    setMetadata,
    setQuota,
    starttls,
    status,
    store,
    subscribe,
    thread,
    unselect,
    unsubscribe,
  ].map((command) => [command.name, command]),
);

/** `name` in upper case; `uid`: it stood behind `UID`. */
export function findCommand(name: string, uid: boolean): Command | undefined {
  const command = COMMANDS.get(name);
  return uid && !command?.uid ? undefined : command;
}
