import type { AttuneError, AttuneErrorCode } from '../errors.js'
import { countedThat } from './counted.js'
import type { Finding } from './finding.js'
import { Places, sharedReasons } from './places.js'
import type { UnreadableRow } from './read-rows.js'

interface Wording {
  /** After the count of rows. */
  readonly says: string
  readonly advice: string
}

const wordings: Readonly<Partial<Record<AttuneErrorCode, Wording>>> = {
  'invalid-json': {
    says: 'cannot be read as JSON',
    advice:
      'Write one JSON object a line, as JSON.stringify or json.dumps do, or leave such lines out with --on-bad-row skip.',
  },
  'invalid-dataset': {
    says: 'cannot be used as they are',
    advice: 'Correct these rows, or leave them out with --on-bad-row skip.',
  },
  'invalid-file': {
    says: 'cannot be read',
    advice: 'Write the file anew: it is damaged, cut short, or of another format.',
  },
  'empty-dataset': { says: 'have no rows', advice: 'Leave out the files without rows, or look at how they were made.' },
  'unknown-label': {
    says: 'have a label that the model does not have',
    advice: 'Correct the labels, or train a model with a new head for the labels of the data (--labels).',
  },
  'mixed-label-types': { says: 'have labels of another type', advice: 'Use names or numbers throughout.' },
  'label-count-mismatch': {
    says: 'have labels that do not fit the model',
    advice: 'Give each row as many entries as there are labels, or load the model for the labels of the data.',
  },
  'all-labels-masked': {
    says: 'have nothing to learn from: no token carries loss',
    advice: 'Give them a completion or an assistant turn, choose another lossOn, or leave them out.',
  },
  'sequence-too-long': {
    says: 'are longer than the model may read',
    advice:
      "Raise maxLength, shorten the rows, or set truncation to 'tail', 'head' or 'skip', or to 'window' where the task has windows.",
  },
  'invalid-chat-template': {
    says: 'cannot be written as a conversation',
    advice: "Choose a built-in template (chatTemplate), another lossOn, or add the model's own chat_template.jinja.",
  },
  'chat-template-failed': {
    says: "are refused by the model's chat template",
    advice:
      'Give the conversations the order of roles that the template wants; often: system first, then user and assistant in turn.',
  },
}

/** What errors are about: rows, rows that a run leaves out, or files that cannot be read to their end. */
type About = UnreadableRow['kind']

/** Errors gathered by their code: what a run would refuse or leave out, but all of it and not the first. */
export class ErrorBook {
  readonly #about: About
  readonly #places = new Map<AttuneErrorCode, Places>()

  constructor(about: About = 'row') {
    this.#about = about
  }

  note(code: AttuneErrorCode, origin: string, what: string): void {
    const places = this.#places.get(code) ?? new Places()
    this.#places.set(code, places)
    places.note(origin, what)
  }

  /** An error that was thrown about one row. */
  noteError(error: AttuneError, origin: string): void {
    this.note(error.code, origin, error.rows[0]?.what ?? withoutPlace(error.message, origin))
  }

  findings(): Finding[] {
    return [...this.#places].map(([code, { told }]) => rowsFinding(code, told, this.#about))
  }
}

/** An error about many rows. */
export function errorFinding({ code, message, rows, rowCount, reasons, where }: AttuneError): Finding {
  if (rows.length > 0) return rowsFinding(code, { where: rows, ...sharedReasons(reasons), count: rowCount })
  return {
    code,
    severity: 'error',
    message,
    advice: wordings[code]?.advice ?? '',
    where: where === undefined ? [] : [{ origin: where }],
    count: 1,
  }
}

function rowsFinding(code: AttuneErrorCode, told: Places['told'], about: About = 'row'): Finding {
  if (about === 'file' && code !== 'empty-dataset') return fileFinding(code, told)
  const { says, advice } = wordings[code] ?? {
    says: 'cannot be used',
    advice: 'Correct these rows, or leave them out.',
  }
  const message = countedThat(told.count, nounOf(code), says)
  if (about !== 'skipped') return { code, severity: 'error', message: `${message}.`, advice, ...told }
  const left = `${message}: training leaves ${told.count === 1 ? 'it' : 'them'} out.`
  return { code, severity: 'warning', message: left, advice: 'See whether these rows are needed.', ...told }
}

function fileFinding(code: AttuneErrorCode, told: Places['told']): Finding {
  const message = `${countedThat(told.count, 'file', 'are broken')}: nothing after that place can be read.`
  const advice = 'Mend the file there, or write it anew: what cannot be told apart cannot be skipped.'
  return { code, severity: 'error', message, advice, ...told }
}

function nounOf(code: AttuneErrorCode): string {
  return code === 'invalid-json' ? 'line' : code === 'invalid-file' || code === 'empty-dataset' ? 'file' : 'row'
}

function withoutPlace(message: string, origin: string): string {
  return message.startsWith(`${origin}: `) ? message.slice(origin.length + 2) : message
}
