/** What a name in a layer does to the layers below, OCI image-spec layer.md "Whiteouts". */
export type Whiteout =
  /** `.wh.NAME`: the path that is hidden. */
  | { readonly kind: 'whiteout'; readonly target: string }
  /** `.wh..wh..opq`: the folder whose lower content is hidden. */
  | { readonly kind: 'opaque'; readonly folder: string }
  /** Other `.wh..wh.` names: bookkeeping of AUFS, which means nothing anywhere else. */
  | { readonly kind: 'aufs' }

/**
 * What the entry at a normalised path hides; undefined for an ordinary entry. Paths are latin1 text, one
 * character a byte. `.wh.` alone hides nothing and is an ordinary, if odd, name in no layer we know of: it
 * is treated as bookkeeping, never as "hide the folder itself".
 */
export const whiteoutOf = (path: string): Whiteout | undefined => {
  const slash = path.lastIndexOf('/')
  if (!path.startsWith('.wh.', slash + 1))
    return path.startsWith('.wh..wh.') || path.includes('/.wh..wh.') ? { kind: 'aufs' } : undefined
  const folder = path.slice(0, Math.max(slash, 0))
  const name = path.slice(slash + 1 + '.wh.'.length)
  if (name === '.wh..opq') return { kind: 'opaque', folder }
  if (name === '' || name === '.' || name === '..' || name.startsWith('.wh.')) return { kind: 'aufs' }
  return { kind: 'whiteout', target: folder === '' ? name : `${folder}/${name}` }
}

/** Whether an AUFS name is that of a file's content, kept apart for the hard links that name it. */
export const isPseudoLink = (path: string): boolean => /(?:^|\/)\.wh\.\.wh\.plnk\//.test(path)
