import * as library from '@huggingface/jinja'

// The library's own declarations import each other without file extensions, which NodeNext does not resolve: these
// are the parts we use, as version 0.5 has them.

/** A node of a parsed template; which other fields it has depends on its type. */
export type TemplateNode = Record<string, unknown> & { type: string }

export interface TemplateProgram {
  readonly type: string
  readonly body: readonly unknown[]
}

interface Jinja {
  readonly tokenize: (
    source: string,
    options?: { readonly trim_blocks?: boolean; readonly lstrip_blocks?: boolean },
  ) => readonly unknown[]
  readonly parse: (tokens: readonly unknown[]) => TemplateProgram
  readonly Environment: new (parent?: TemplateEnvironment) => TemplateEnvironment
  readonly Interpreter: new (environment: TemplateEnvironment) => {
    run(program: TemplateProgram): { readonly value: unknown }
  }
}

export interface TemplateEnvironment {
  set(name: string, value: unknown): unknown
}

export const { tokenize, parse, Environment, Interpreter } = library as unknown as Jinja
