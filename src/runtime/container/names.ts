import { randomInt } from 'node:crypto'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'

const adjectives =
  'able agile amber bold brave brisk bright calm clever cosy crisp daring deft eager early fair fleet fond frank gentle glad golden grand hardy honest jolly keen kind lively loyal lucid mellow merry mild modest neat nimble noble patient plucky polite proud quick quiet ready serene sharp silent sincere smart spry steady still stout sturdy sunny swift tidy upright vivid warm wise witty zesty'.split(
    ' ',
  )

/** People of ports, ships and charts: who goes with cargo. */
const surnames =
  'amundsen anning banneker banks barents beaufort behaim bering blaeu bligh bougainville bowditch brunel cabot cano chichester colter cook cousteau dampier darwin davis dias drake earle elcano eriksson fitzroy flinders forster franklin gama grace halley harrison heyerdahl hopper hudson humboldt jemison keay knox kotzebue lovelace macarthur magellan maury mclean mercator moitessier nansen nares norwood noether ortelius park perouse piri polo pytheas ross scoresby shackleton slocum smeaton tasman tereshkova torres tupaia vancouver vespucci wallis zheng'.split(
    ' ',
  )

/** `adjective_surname`, as docker names what nobody named; from the second try on with a digit, when most are taken. */
export const randomName = (attempt = 0): string =>
  `${adjectives[randomInt(adjectives.length)]}_${surnames[randomInt(surnames.length)]}${attempt === 0 ? '' : randomInt(10 ** attempt)}`

/** Throws USAGE for what cannot be a container's name (moby daemon/names). A leading slash is taken off, as docker does. */
export const checkName = (text: string): string => {
  const name = text.replace(/^\//, '')
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/.test(name)) return name
  throw new LadingError(
    'USAGE',
    `Invalid container name (${visible(text)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, 2 to 128 of them`,
    { data: { name: text } },
  )
}

/** What docker takes for one. */
export const isHostname = (name: string): boolean =>
  name.length <= 64 && /^[a-zA-Z0-9](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9])?$/.test(name)
