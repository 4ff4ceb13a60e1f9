import { z } from 'zod'
import type { OptionTable } from '../options.js'
import { personalDataKinds, usualKinds, type PersonalDataKind } from './personal-data.js'
import { phoneLibrary } from './phone-library.js'

const name = z.string().refine((text) => /[\p{L}\p{N}]/u.test(text), { error: 'a name with letters' })
const pattern = z.union([z.instanceof(RegExp), z.string().min(1)])

export interface DeidentifyOptions {
  /** What to look for. Default: all kinds but 'postcode'; 'name' finds the names that are given. */
  readonly kinds?: readonly PersonalDataKind[] | undefined
  /** Names of people, each a text or a list of forms of one name (`['John Smith', 'J. Smith', 'Johnny']`). Default: none. */
  readonly names?: readonly (string | readonly string[])[] | undefined
  /**
   * How case counts in names. 'auto': not at all, but names that are words too ('Will', 'Rose') or have up to three letters are
   * left in small letters. Default: 'auto'.
   */
  readonly nameCase?: 'auto' | 'exact' | 'any' | undefined
  /** Whether a name with an s at its end is the name (`Peters`), as in German and Swedish. Default: false. */
  readonly genitiveS?: boolean | undefined
  /** Ids of your own: a regular expression by what replaces it, as in `{ ORDER: /\b\d{12}\b/ }` for [ORDER]. Default: none. */
  readonly patterns?: Readonly<Record<string, RegExp | string>> | undefined
  /** Countries whose national phone numbers are known, ISO 3166. Default: US, GB, DE, FR, ES, IT, NL, SE, IN, AU, BR. */
  readonly phoneRegions?: readonly string[] | undefined
  /**
   * Numbers the placeholders, so that the same person is [NAME_1] throughout: 'row' counts anew in each row, 'dataset' once over all
   * rows. true is 'row'. Default: false.
   */
  readonly consistent?: boolean | 'row' | 'dataset' | undefined
}

export const deidentifyOptions = {
  kinds: {
    type: z.array(z.enum(personalDataKinds)).min(1),
    description: "What to look for; 'name' finds the names given",
    default: usualKinds,
  },
  names: {
    type: z
      .array(z.union([name, z.array(name).min(1)]))
      .describe('a list of names, each a text or a list of forms of one name'),
    description: 'Names of people',
    default: [] as string[],
    flag: false,
  },
  nameCase: {
    type: z.enum(['auto', 'exact', 'any']),
    description: "How case counts in names; auto: not, but 'will' is no Will",
    default: 'auto' as const,
  },
  genitiveS: { type: z.boolean(), description: 'Peters is Peter, as in German and Swedish', default: false },
  patterns: {
    type: z
      .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_]*$/), pattern)
      .describe('regular expressions by what replaces them, as in {"ORDER": "\\\\d{12}"}'),
    description: 'Ids of your own, JSON: {"ORDER": "\\\\b\\\\d{12}\\\\b"}',
    default: {},
    flag: 'json',
  },
  phoneRegions: {
    type: z.array(
      z.string().refine((country) => phoneLibrary().isSupportedCountry(country), { error: 'a country of two letters' }),
    ),
    description: 'Countries whose national phone numbers are known',
    default: ['US', 'GB', 'DE', 'FR', 'ES', 'IT', 'NL', 'SE', 'IN', 'AU', 'BR'] as string[],
  },
  consistent: {
    type: z.union([z.boolean(), z.enum(['row', 'dataset'])]).describe("true or false, 'row' or 'dataset'"),
    description: 'Numbers the placeholders, the same person [NAME_1] throughout a row or the dataset',
    default: false,
    flag: 'row|dataset',
  },
} satisfies OptionTable
