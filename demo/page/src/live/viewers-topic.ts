/** A topic's name has at most 255 characters, including those of its presence. */
const MAX_LENGTH = 230;

/**
 * Returns the topic whose presence shows who is looking at a device. A device's name may contain
 * characters that a topic's name cannot, so that these are encoded.
 */
export function viewersTopic(device: string): `viewers/${string}` {
  const encoded = encodeURIComponent(device)
    .replace(/[~!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`)
    .replaceAll("%", "~");
  // Devices with equal beginnings of this length share their viewers, which does no harm.
  return `viewers/${encoded.slice(0, MAX_LENGTH)}`;
}
