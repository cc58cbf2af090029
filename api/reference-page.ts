/** The contract as one page to read, without scripts: made from the OpenAPI document, so it says the same. */
import { STATUS_OF } from './contract/problem-codes.ts';
import { acceptsSession, CALLERS, problemsOf, type Route } from './contract/route.ts';
import type { OpenApi } from './openapi.ts';

export const REFERENCE_STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; overflow-wrap: anywhere; }
section { border-top: 1px solid var(--line); padding: 0.5rem 0 1rem; }
nav ul { columns: 18rem; padding-left: 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: 0.25rem 0.75rem 0.25rem 0; text-align: left; vertical-align: top; }
.method { display: inline-block; font-weight: 700; min-width: 4.5rem; }
.scroll { overflow-x: auto; }
`;

/** JSON Schema as zod writes it: as much of it as the page tells. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly examples?: readonly unknown[];
}

/** A whole HTML document. `document` is the OpenAPI document of `routes`. */
export function referencePage(routes: readonly Route[], document: OpenApi): string {
  const groups = [...Map.groupBy(routes, route => route.group)];
  const contents = groups.map(
    ([group, ofGroup]) =>
      `<h3>${escaped(group)}</h3><ul>${ofGroup.map(({ name, method, path }) => `<li><a href="#${name}"><code>${method} ${escaped(path)}</code></a></li>`).join('')}</ul>`,
  );
  const sections = groups.map(
    ([group, ofGroup]) =>
      `<h2>${escaped(group)}</h2>${ofGroup.map(route => sectionOf(route, document)).join('')}`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>AiSpace Credits: API reference</title>
<style>${REFERENCE_STYLE}</style>
</head>
<body>
<h1>AiSpace Credits: API reference</h1>
<p>$1 is 10,000 credits. Amounts are decimal strings, instants are in UTC to the microsecond. Show your credential as
<code>Authorization: Bearer …</code>. What moves credits takes a header <code>Idempotency-Key</code>: new for each thing
to do, the same when you try it again, and it is done once. Errors are problem details (RFC 9457): branch on
<code>code</code>, show <code>detail</code>, quote <code>request_id</code>. For machines: <a href="/openapi.json">OpenAPI 3.1</a>.</p>
<nav>${contents.join('')}</nav>
<main>${sections.join('')}</main>
</body>
</html>
`;
}

function sectionOf(route: Route, document: OpenApi): string {
  const { name, method, path, summary, detail, caller, idempotent, status } = route;
  const operation = document.paths[path]?.[method.toLowerCase()] as {
    parameters?: { name: string; in: string; required: boolean; description?: string; schema: Schema }[];
    requestBody?: { content: { 'application/json': { schema: Schema } } };
    responses: Record<string, { content?: { 'application/json'?: { schema?: Schema } } }>;
  };
  const body = operation.requestBody?.content['application/json'].schema;
  const answer = operation.responses[status]?.content?.['application/json']?.schema;
  const parameters = (operation.parameters ?? []).map(
    parameter =>
      `${row(`${parameter.name} (${parameter.in})`, parameter.required, { ...parameter.schema, ...(parameter.description === undefined ? {} : { description: parameter.description }) })}`,
  );
  return `<section id="${name}">
<h3><span class="method">${method}</span><code>${escaped(path)}</code></h3>
<p>${escaped(summary)} ${escaped(detail ?? '')}</p>
<p>Called by: ${escaped(CALLERS[caller] === null ? 'anybody' : `whoever shows ${CALLERS[caller]}`)}${acceptsSession(route) && !caller.endsWith('session') ? ', or the cookie of a session' : ''}.${idempotent ? ' Takes an <code>Idempotency-Key</code>.' : ''}</p>
${parameters.length > 0 ? table('Parameters', parameters.join('')) : ''}
${body ? table('Body', rowsOf(body, '')) : ''}
${answer ? table(`Answer ${status}`, rowsOf(answer, '')) : `<p>Answers ${status}${route.mediaType ? ` as <code>${escaped([route.mediaType, ...(route.otherMediaTypes ?? [])].join(', '))}</code>` : ' without a body'}.</p>`}
<p>Errors: ${
    problemsOf(route)
      .map(code => `<code>${STATUS_OF[code]} ${code}</code>`)
      .join(', ') || 'none'
  }.</p>
</section>`;
}

function table(title: string, rows: string): string {
  return `<h4>${escaped(title)}</h4><div class="scroll"><table><tr><th>field</th><th>type</th><th>what it is</th></tr>${rows}</table></div>`;
}

function rowsOf(schema: Schema, prefix: string): string {
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices)
    return choices
      .filter(choice => choice.type !== 'null')
      .map((choice, index, all) =>
        all.length > 1
          ? `<tr><th colspan="3">${prefix === '' ? '' : `${escaped(prefix.slice(0, -1))}: `}form ${index + 1}</th></tr>${rowsOf(choice, prefix)}`
          : rowsOf(choice, prefix),
      )
      .join('');
  if (schema.type === 'array' && schema.items) return rowsOf(schema.items, `${prefix.slice(0, -1)}[].`);
  return Object.entries(schema.properties ?? {})
    .map(([name, property]) => {
      const isRequired = schema.required?.includes(name) ?? false;
      const nested = hasFields(property) ? rowsOf(property, `${prefix}${name}.`) : '';
      return row(`${prefix}${name}`, isRequired, property) + nested;
    })
    .join('');
}

function hasFields(schema: Schema): boolean {
  return Boolean(
    schema.properties ??
      (schema.items && hasFields(schema.items)) ??
      (schema.anyOf ?? schema.oneOf)?.some(choice => hasFields(choice)),
  );
}

function row(name: string, isRequired: boolean, schema: Schema): string {
  const example = schema.examples?.[0];
  const said = [
    schema.description,
    example === undefined ? undefined : `For example ${JSON.stringify(example)}.`,
  ];
  return `<tr><td><code>${escaped(name)}</code></td><td>${escaped(typeOf(schema))}${isRequired ? '' : ', optional'}</td><td>${escaped(said.filter(Boolean).join(' '))}</td></tr>`;
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map(value => JSON.stringify(value)).join(' or ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(typeOf))].join(' or ');
  if (schema.type === 'array' && schema.items) return `list of ${typeOf(schema.items)}`;
  return String(schema.type ?? 'any');
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
