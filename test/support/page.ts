/** The order page's script with as much of a browser as it takes: its own elements, a tab's storage and address. */
import vm from 'node:vm';

export class PageElement {
  hidden = false;
  disabled = false;
  textContent = '';
  value = '';
  href = '';
  readonly children: (PageElement | string)[] = [];
  readonly #listeners: [string, (event: object) => void][] = [];

  append(...children: (PageElement | string)[]): void {
    this.children.push(...children);
  }

  replaceChildren(...children: (PageElement | string)[]): void {
    this.children.splice(0, this.children.length, ...children);
  }

  addEventListener(type: string, listener: (event: object) => void): void {
    this.#listeners.push([type, listener]);
  }

  dispatch(type: string, event: object = {}): void {
    for (const [wanted, listener] of this.#listeners) if (wanted === type) listener(event);
  }

  /** What a person reads. */
  get text(): string {
    return (
      this.textContent + this.children.map(child => (typeof child === 'string' ? child : child.text)).join('')
    );
  }

  /** Where its links lead. */
  get links(): string[] {
    const inner = this.children.flatMap(child => (typeof child === 'string' ? [] : child.links));
    return this.href === '' ? inner : [this.href, ...inner];
  }
}

export interface PageOptions {
  /** What stands behind the path of the address, such as ?order=ord_1. */
  readonly search?: string;
  /** What the tab remembers; kept up to date. */
  readonly storage?: Map<string, string>;
  /** Stands in the way of what the page asks for. */
  readonly fetch?: (path: string, send: () => Promise<Response>) => Promise<Response>;
}

export interface OpenedPage {
  element(id: string): PageElement;
  text(id: string): string;
  isShown(id: string): boolean;
  click(id: string): void;
  /** Submits a form by one of its buttons, which does nothing while that is disabled. */
  submit(form: string, button: string): void;
  /** Where the page has sent the browser. */
  readonly wentTo: readonly string[];
  /** What stands behind the path of the address now. */
  readonly search: string;
  close(): void;
}

/** Opens the page as the API on this port serves it. */
export async function openPage(port: number, options: PageOptions = {}): Promise<OpenedPage> {
  const origin = `http://127.0.0.1:${port}`;
  const load = async (path: string) => await (await fetch(origin + path)).text();
  const [html, script] = await Promise.all([load('/'), load('/order.js')]);
  const elements = new Map<string, PageElement>();
  for (const [tag, id = ''] of html.matchAll(/<[^>]*\sid="([\w-]+)"[^>]*>/g)) {
    const element = new PageElement();
    element.hidden = /\shidden\b/.test(tag);
    element.value = /\svalue="([^"]*)"/.exec(tag)?.[1] ?? '';
    elements.set(id, element);
  }
  const element = (id: string) => {
    const found = elements.get(id);
    if (!found) throw new Error(`the page has no element "${id}"`);
    return found;
  };
  const { storage = new Map<string, string>() } = options;
  const leaving = new AbortController();
  const wentTo: string[] = [];
  const location = {
    search: options.search ?? '',
    pathname: '/',
    assign: (url: string) => void wentTo.push(url),
  };
  vm.runInNewContext(script, {
    document: { getElementById: element, createElement: () => new PageElement() },
    location,
    history: {
      replaceState(_state: unknown, _title: string, url: string) {
        location.search = new URL(url, origin).search;
      },
    },
    sessionStorage: {
      getItem: (name: string) => storage.get(name) ?? null,
      setItem: (name: string, value: string) => void storage.set(name, value),
      removeItem: (name: string) => void storage.delete(name),
    },
    fetch: (path: string, init: RequestInit = {}) => {
      const send = () => fetch(origin + path, { ...init, signal: leaving.signal });
      return options.fetch ? options.fetch(path, send) : send();
    },
    // A page that is left asks for nothing again.
    setTimeout: (work: () => void, ms: number) =>
      setTimeout(() => {
        if (!leaving.signal.aborted) work();
      }, ms).unref(),
    URLSearchParams,
    TextDecoderStream,
  });
  return {
    element,
    text: id => element(id).text,
    isShown: id => !element(id).hidden,
    click: id => element(id).dispatch('click'),
    submit(form, button) {
      // As a browser has it: a button that is disabled submits nothing.
      if (element(button).disabled) return;
      element(form).dispatch('submit', { preventDefault() {}, submitter: element(button) });
    },
    wentTo,
    get search() {
      return location.search;
    },
    close: () => leaving.abort(),
  };
}
