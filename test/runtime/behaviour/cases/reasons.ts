/** Why lading differs, where that is the same in many cases. */

export const wrongUsage = 'wrong usage ends with 2 in every command but run'
export const ownFailure =
  'what fails by itself ends with 125, as with run: 1 may be the status of the program that was asked for'
export const toStandardOutput = 'docker prints this message on standard output'
