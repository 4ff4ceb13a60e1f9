/** Stanford Alpaca's instruction and response, in plain text, every answer ended by eos. */
export const alpaca = String.raw`{%- for message in messages %}
    {%- if message.role == 'system' and loop.first %}
        {{- message.content + '\n\n' }}
    {%- elif message.role == 'user' %}
        {{- '### Instruction:\n' + message.content + '\n\n' }}
    {%- elif message.role == 'assistant' %}
        {{- '### Response:\n' }}
        {%- generation %}{{- message.content + eos_token }}{%- endgeneration %}
        {{- '\n\n' }}
    {%- else %}
        {{- raise_exception("the alpaca template has the roles system (first), user and assistant, not '" + message.role + "'") }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '### Response:\n' }}
{%- endif %}
`
