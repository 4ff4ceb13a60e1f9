/** One piece of a message's content where it is not plain text, such as `{ type: 'text', text: '…' }`. */
export interface ContentPart {
  readonly type: string
  readonly text?: string | undefined
  readonly [key: string]: unknown
}

/**
 * One turn of a conversation, as chat templates read it. Keys beyond these (`tool_calls`, `name`, `tool_call_id`,
 * `reasoning_content`, …) are handed to the template as they are; keys whose value is null are left out, and `weight`, where 0
 * keeps what a message of the assistant says out of the loss (OpenAI's).
 */
export interface Message {
  readonly role: string
  readonly content?: string | readonly ContentPart[] | null | undefined
  readonly [key: string]: unknown
}

/** A tool's description as JSON schema, in the form the template expects. */
export type Tool = Readonly<Record<string, unknown>>
