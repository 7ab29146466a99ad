import { counted } from '../bytes/counted.js'
import type { FileBacked, ImageSource, MeasurementKeeper, TocKeeper } from './interfaces.js'

/** A source with the optional powers that it may have. */
export type AnySource = ImageSource & Partial<FileBacked & TocKeeper & MeasurementKeeper>

/** The same source with some of its members changed; its optional powers stay. */
export const wrapSource = (source: AnySource, changes: Partial<AnySource>): AnySource => {
  const wrapped: AnySource = {
    place: source.place,
    format: source.format,
    get warnings() {
      return source.warnings
    },
    roots: () => source.roots(),
    openBlob: (blob, options) => source.openBlob(blob, options),
    hasBlob: digest => source.hasBlob(digest),
    ...(source.regionOf && { regionOf: digest => source.regionOf!(digest) }),
    ...(source.tocOf && { tocOf: diffId => source.tocOf!(diffId) }),
    ...(source.measurementOf && { measurementOf: digest => source.measurementOf!(digest) }),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
  return Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(changes))
}

/** The same source, telling `onBytes` of every chunk of a blob that is read through it, or where it lies. */
export const observed = (source: AnySource, onBytes: (bytes: number) => void): AnySource =>
  wrapSource(source, {
    openBlob: (blob, options) => counted(source.openBlob(blob, options), onBytes),
    ...(source.regionOf && {
      regionOf: async digest => {
        const region = await source.regionOf!(digest)
        return region && { ...region, passed: onBytes }
      },
    }),
  })
