//! The other projects of `globex`: one in each of several languages.

use super::{Code, Issue, Template, issues_from};

pub(super) fn issues() -> Vec<Issue> {
    let mut issues = issues_from("storefront-web", 812, STOREFRONT);
    issues.extend(issues_from("payments-worker", 60, PAYMENTS));
    issues.extend(issues_from("search-indexer", 19, SEARCH));
    issues
}

const PRICE: Code = Code {
    module: "src/cart/LineItem",
    filename: "./src/cart/LineItem.tsx",
    function: "LineItem",
    line: 41,
    snippet: &[
        "export function LineItem({ line }: Props) {",
        "  const { currency } = useShop();",
        "  const product = useProduct(line.sku);",
        "  const price = format(product.price, currency);",
        "  return <li className={styles.line}>{line.quantity} × {price}</li>;",
    ],
    hot: 3,
};

const LOADER: Code = Code {
    module: "src/routes/lazy",
    filename: "./src/routes/lazy.ts",
    function: "load",
    line: 17,
    snippet: &[
        "export async function load(route: RouteName) {",
        "  const started = performance.now();",
        "  const module = await import(`./pages/${route}.tsx`);",
        "  track(\"route.loaded\", performance.now() - started);",
    ],
    hot: 2,
};

const API: Code = Code {
    module: "src/api/client",
    filename: "./src/api/client.ts",
    function: "Client.get",
    line: 63,
    snippet: &[
        "    const response = await fetch(url, { signal: this.signal });",
        "    if (response.status === 204) return undefined;",
        "    return (await response.json()) as T;",
        "  }",
    ],
    hot: 2,
};

const STOREFRONT: &[Template] = &[
    Template {
        kind: "TypeError",
        code: Some(&PRICE),
        level: "error",
        handled: false,
        variants: &[
            ("Cannot read properties of undefined (reading 'price')", Some("src/cart/LineItem in LineItem")),
            ("undefined is not an object (evaluating 'e.images[0].src')", Some("/products/:slug")),
        ],
    },
    Template {
        kind: "ChunkLoadError",
        code: Some(&LOADER),
        level: "error",
        handled: false,
        variants: &[(
            "Loading chunk 512 failed.\n(error: https://static.globex.example/assets/512.9f1c.js)",
            Some("/checkout"),
        )],
    },
    Template {
        kind: "SyntaxError",
        code: Some(&API),
        level: "error",
        handled: true,
        variants: &[("Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON", Some("/account/orders"))],
    },
    Template {
        kind: "Error",
        code: Some(&PRICE),
        level: "error",
        handled: false,
        variants: &[
            ("Hydration failed because the server rendered HTML didn't match the client.", Some("/")),
            ("Minified React error #185; maximum update depth exceeded", Some("/cart")),
        ],
    },
    Template {
        kind: "AbortError",
        code: Some(&API),
        level: "info",
        handled: true,
        variants: &[("The user aborted a request.", Some("/search"))],
    },
];

const DIAL: Code = Code {
    module: "github.com/globex/payments-worker/ledger",
    filename: "ledger/client.go",
    function: "(*Client).Post",
    line: 74,
    snippet: &[
        "\tctx, cancel := context.WithTimeout(ctx, c.timeout)",
        "\tdefer cancel()",
        "\tresp, err := c.http.Do(req.WithContext(ctx))",
        "\tif err != nil {",
        "\t\treturn nil, fmt.Errorf(\"post entry %s: %w\", entry.ID, err)",
        "\t}",
    ],
    hot: 4,
};

const PAYMENTS: &[Template] = &[
    Template {
        kind: "*url.Error",
        code: Some(&DIAL),
        level: "error",
        handled: true,
        variants: &[
            (
                "post entry le_8812: Post \"http://ledger.internal/entries\": context deadline exceeded",
                Some("ledger.(*Client).Post"),
            ),
            ("post entry le_9035: dial tcp 10.4.0.17:8080: connect: connection refused", Some("ledger.(*Client).Post")),
        ],
    },
    Template {
        kind: "runtime.boundsError",
        code: Some(&DIAL),
        level: "fatal",
        handled: false,
        variants: &[("index out of range [3] with length 3", Some("batch.split"))],
    },
    Template {
        kind: "*errors.errorString",
        code: Some(&DIAL),
        level: "warning",
        handled: true,
        variants: &[("sql: no rows in result set", Some("store.FindPayout"))],
    },
];

const SEGMENT: Code = Code {
    module: "search_indexer::segment",
    filename: "src/segment.rs",
    function: "search_indexer::segment::Segment::merge",
    line: 203,
    snippet: &[
        "    let mut postings = self.postings.clone();",
        "    for term in other.terms() {",
        "        let list = other.postings.get(term).unwrap();",
        "        postings.entry(term.clone()).or_default().extend(list);",
        "    }",
    ],
    hot: 2,
};

const SEARCH: &[Template] = &[
    Template {
        kind: "panic",
        code: Some(&SEGMENT),
        level: "fatal",
        handled: false,
        variants: &[
            ("called `Option::unwrap()` on a `None` value", Some("search_indexer::segment::Segment::merge")),
            (
                "index out of bounds: the len is 4096 but the index is 4096",
                Some("search_indexer::segment::Segment::read"),
            ),
        ],
    },
    Template {
        kind: "IndexError",
        code: Some(&SEGMENT),
        level: "error",
        handled: true,
        variants: &[("segment 00af91 is corrupt: checksum mismatch", None)],
    },
];
