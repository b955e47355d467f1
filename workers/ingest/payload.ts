/** A frame's payload cut into the messages its header lists, without copying. */

/** One slice per item, null where the item has none inline; null when the lengths do not add up. */
export function slicePayload(payload: Uint8Array, items: readonly { inline: number }[]): (Uint8Array | null)[] | null {
  let offset = 0;
  const slices = items.map(({ inline }) => {
    if (inline === 0) return null;
    offset += inline;
    return payload.subarray(offset - inline, offset);
  });
  return offset === payload.length ? slices : null;
}
