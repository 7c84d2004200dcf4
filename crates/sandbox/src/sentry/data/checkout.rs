//! `globex/checkout-api`: a Django service with many troubles, so that paging, sorting and searching have something
//! to do. The first variants are the ones that a demo shows.

use super::{Code, Issue, Template, issues_from};

/// The number behind `4F`.
const FIRST_NUMBER: u32 = 143;

pub(super) fn issues() -> Vec<Issue> {
    issues_from("checkout-api", FIRST_NUMBER, TEMPLATES)
}

const GATEWAY: Code = Code {
    module: "checkout.payments.gateway",
    filename: "checkout/payments/gateway.py",
    function: "charge",
    line: 88,
    snippet: &[
        "        started = self.clock.monotonic()",
        "        try:",
        "            response = self.session.post(url, json=body, timeout=TIMEOUT)",
        "        except requests.Timeout as timeout:",
        "            raise GatewayTimeout(self.host, TIMEOUT) from timeout",
        "        finally:",
        "            metrics.timing(\"gateway.charge\", self.clock.monotonic() - started)",
    ],
    hot: 4,
};

const ORDERS: Code = Code {
    module: "checkout.orders.repository",
    filename: "checkout/orders/repository.py",
    function: "insert",
    line: 141,
    snippet: &[
        "    def insert(self, order: Order) -> Order:",
        "        with transaction.atomic():",
        "            row = OrderRow.from_order(order)",
        "            row.save(force_insert=True)",
        "            self.outbox.publish(OrderPlaced(order.number))",
        "        return order",
    ],
    hot: 3,
};

const DATABASE: Code = Code {
    module: "checkout.db.router",
    filename: "checkout/db/router.py",
    function: "connection_for",
    line: 52,
    snippet: &[
        "        replica = self.ring.next()",
        "        if not replica.is_healthy:",
        "            replica = self.primary",
        "        return replica.connect(timeout=self.connect_timeout)",
        "",
        "    def release(self, connection):",
    ],
    hot: 3,
};

const SERIALIZER: Code = Code {
    module: "checkout.api.serializers",
    filename: "checkout/api/serializers.py",
    function: "to_quote",
    line: 207,
    snippet: &[
        "def to_quote(payload: dict) -> Quote:",
        "    lines = [to_line(line) for line in payload[\"lines\"]]",
        "    return Quote(",
        "        lines=lines,",
        "        ship_to=Address(**payload[\"shipping_address\"]),",
        "        currency=payload.get(\"currency\", DEFAULT_CURRENCY),",
        "    )",
    ],
    hot: 4,
};

const WALLET: Code = Code {
    module: "checkout.payments.wallet",
    filename: "checkout/payments/wallet.py",
    function: "preferred_card",
    line: 33,
    snippet: &[
        "    customer = self.customers.find(cart.customer_id)",
        "    if cart.is_guest:",
        "        return None",
        "    return customer.default_card",
        "",
    ],
    hot: 3,
};

const WEBHOOK: Code = Code {
    module: "checkout.webhooks.views",
    filename: "checkout/webhooks/views.py",
    function: "post",
    line: 64,
    snippet: &[
        "    def post(self, request):",
        "        self.verifier.verify(request.headers, request.body)",
        "        event = json.loads(request.body)",
        "        handler = HANDLERS[event[\"type\"]]",
        "        handler(event[\"data\"])",
    ],
    hot: 2,
};

const CACHE: Code = Code {
    module: "checkout.carts.cache",
    filename: "checkout/carts/cache.py",
    function: "load",
    line: 29,
    snippet: &[
        "    def load(self, session_key: str) -> Cart | None:",
        "        raw = self.redis.get(f\"cart:{session_key}\")",
        "        return Cart.model_validate_json(raw) if raw else None",
    ],
    hot: 1,
};

const TAX: Code = Code {
    module: "checkout.pricing.tax",
    filename: "checkout/pricing/tax.py",
    function: "total",
    line: 118,
    snippet: &[
        "    net = sum(line.price * line.quantity for line in lines)",
        "    rate = self.rates.for_region(region)",
        "    tax = net * rate",
        "    return (net + tax).quantize(CENT)",
    ],
    hot: 2,
};

const TASK: Code = Code {
    module: "checkout.tasks.receipts",
    filename: "checkout/tasks/receipts.py",
    function: "render_receipt",
    line: 71,
    snippet: &[
        "@app.task(soft_time_limit=30)",
        "def render_receipt(order_number: str) -> None:",
        "    order = orders.get(order_number)",
        "    pdf = renderer.render(\"receipt.html\", order=order)",
        "    storage.put(f\"receipts/{order_number}.pdf\", pdf)",
    ],
    hot: 3,
};

const STOCK: Code = Code {
    module: "checkout.stock.reservations",
    filename: "checkout/stock/reservations.py",
    function: "reserve",
    line: 95,
    snippet: &[
        "        available = self.stock.available(sku)",
        "        if available < quantity:",
        "            raise OutOfStock(sku, available, quantity)",
        "        self.stock.take(sku, quantity)",
    ],
    hot: 2,
};

/// An error that nobody caught.
const fn raised(
    kind: &'static str,
    code: &'static Code,
    variants: &'static [(&'static str, Option<&'static str>)],
) -> Template {
    Template { kind, code: Some(code), level: "error", handled: false, variants }
}

const TEMPLATES: &[Template] = &[
    raised(
        "GatewayTimeout",
        &GATEWAY,
        &[
            ("stripe.com did not answer within 10.0 s", Some("POST /api/v2/checkout/pay")),
            ("adyen.com did not answer within 10.0 s", Some("POST /api/v2/checkout/pay")),
            ("klarna.com did not answer within 8.0 s", Some("POST /api/v2/checkout/instalments")),
            ("paypal.com did not answer within 10.0 s", Some("POST /api/v1/checkout/pay")),
        ],
    ),
    raised(
        "IntegrityError",
        &ORDERS,
        &[
            (
                "duplicate key value violates unique constraint \"orders_idempotency_key_uniq\"\nDETAIL:  Key (idempotency_key)=(ck_9f31c2) already exists.",
                Some("POST /api/v2/orders"),
            ),
            (
                "duplicate key value violates unique constraint \"orders_number_uniq\"\nDETAIL:  Key (number)=(GX-204418) already exists.",
                Some("checkout.tasks.imports.import_orders"),
            ),
            (
                "insert or update on table \"order_lines\" violates foreign key constraint \"order_lines_sku_fk\"",
                Some("POST /api/v2/orders"),
            ),
        ],
    ),
    raised(
        "OperationalError",
        &DATABASE,
        &[
            (
                "connection to server at \"pg-checkout-2.internal\", port 5432 failed: timeout expired",
                Some("GET /api/v2/carts/{id}"),
            ),
            ("FATAL:  remaining connection slots are reserved for superusers", Some("POST /api/v2/checkout/quote")),
            ("SSL connection has been closed unexpectedly", Some("checkout.tasks.settlements.settle")),
            ("canceling statement due to lock timeout", Some("PATCH /api/v2/carts/{id}")),
        ],
    ),
    raised(
        "KeyError",
        &SERIALIZER,
        &[
            ("'shipping_address'", Some("POST /api/v2/checkout/quote")),
            ("'tax_region'", Some("POST /api/v2/checkout/quote")),
            ("'sku'", Some("POST /api/v1/carts/lines")),
            ("'payment_method_id'", Some("POST /api/v2/checkout/pay")),
        ],
    ),
    raised(
        "AttributeError",
        &WALLET,
        &[
            ("'NoneType' object has no attribute 'default_card'", Some("GET /api/v2/checkout/methods")),
            ("'NoneType' object has no attribute 'country_code'", Some("GET /api/v2/checkout/shipping")),
            ("'str' object has no attribute 'amount'", Some("checkout.tasks.refunds.refund")),
        ],
    ),
    Template {
        kind: "JSONDecodeError",
        code: Some(&WEBHOOK),
        level: "error",
        handled: true,
        variants: &[
            ("Expecting value: line 1 column 1 (char 0)", Some("POST /webhooks/stripe")),
            ("Extra data: line 1 column 412 (char 411)", Some("POST /webhooks/adyen")),
            ("Unterminated string starting at: line 1 column 86 (char 85)", Some("POST /webhooks/carrier")),
        ],
    },
    raised(
        "redis.exceptions.ConnectionError",
        &CACHE,
        &[
            ("Error 111 connecting to cache-1.internal:6379. Connection refused.", Some("GET /api/v2/carts/{id}")),
            ("Connection closed by server.", Some("POST /api/v2/carts")),
            (
                "Error while reading from cache-2.internal:6379 : (104, 'Connection reset by peer')",
                Some("GET /api/v2/carts/{id}"),
            ),
        ],
    ),
    raised(
        "TypeError",
        &TAX,
        &[
            ("unsupported operand type(s) for *: 'decimal.Decimal' and 'float'", Some("POST /api/v2/checkout/quote")),
            ("'<' not supported between instances of 'NoneType' and 'int'", Some("GET /api/v2/checkout/vouchers")),
            ("Object of type Decimal is not JSON serializable", Some("GET /api/v2/orders/{number}")),
        ],
    ),
    raised(
        "SoftTimeLimitExceeded",
        &TASK,
        &[
            ("SoftTimeLimitExceeded()", Some("checkout.tasks.receipts.render_receipt")),
            ("SoftTimeLimitExceeded(30,)", Some("checkout.tasks.exports.export_ledger")),
            ("", Some("checkout.tasks.imports.import_orders")),
        ],
    ),
    Template {
        kind: "OutOfStock",
        code: Some(&STOCK),
        level: "warning",
        handled: true,
        variants: &[
            ("44-118 has 0 left, 2 requested", Some("POST /api/v2/checkout/reserve")),
            ("91-002 has 1 left, 6 requested", Some("POST /api/v2/checkout/reserve")),
            ("07-555 has 0 left, 1 requested", Some("checkout.tasks.backorders.retry")),
        ],
    },
    raised(
        "UnicodeDecodeError",
        &WEBHOOK,
        &[
            (
                "'utf-8' codec can't decode byte 0xe9 in position 31: invalid continuation byte",
                Some("POST /webhooks/carrier"),
            ),
            (
                "'ascii' codec can't decode byte 0xc3 in position 5: ordinal not in range(128)",
                Some("checkout.tasks.imports.import_orders"),
            ),
            ("'utf-8' codec can't decode byte 0xff in position 0: invalid start byte", Some("POST /api/v1/uploads")),
        ],
    ),
    raised(
        "decimal.InvalidOperation",
        &TAX,
        &[
            ("[<class 'decimal.ConversionSyntax'>]", Some("POST /api/v2/checkout/quote")),
            ("[<class 'decimal.DivisionUndefined'>]", Some("checkout.pricing.tax in total")),
            ("quantize result has too many digits for current context", Some("GET /api/v2/reports/revenue")),
        ],
    ),
    Template {
        kind: "",
        code: None,
        level: "warning",
        handled: true,
        variants: &[
            ("Voucher SUMMER26 was applied twice to one cart", Some("checkout.pricing.vouchers")),
            ("Quote took 4,812 ms (budget 1,500 ms)", Some("checkout.pricing.quote")),
            ("Settlement file of 2 days ago has not arrived", None),
            ("Falling back to the exchange rates of yesterday", Some("checkout.pricing.currency")),
        ],
    },
    raised(
        "PermissionDenied",
        &ORDERS,
        &[
            ("Order GX-198220 belongs to another customer", Some("GET /api/v2/orders/{number}")),
            ("Refunds above 500.00 EUR need a second approval", Some("POST /api/v2/refunds")),
            ("This session may not see saved cards", Some("GET /api/v2/checkout/methods")),
        ],
    ),
    Template {
        kind: "MemoryError",
        code: Some(&TASK),
        level: "fatal",
        handled: false,
        variants: &[
            ("", Some("checkout.tasks.exports.export_ledger")),
            (
                "Unable to allocate 1.86 GiB for an array with shape (249, 1000448)",
                Some("checkout.tasks.forecast.train"),
            ),
            ("could not allocate the receipt canvas", Some("checkout.tasks.receipts.render_receipt")),
        ],
    },
    raised(
        "ConnectionResetError",
        &GATEWAY,
        &[
            ("[Errno 104] Connection reset by peer", Some("POST /api/v2/checkout/pay")),
            ("[Errno 104] Connection reset by peer (carrier.example)", Some("POST /api/v2/shipping/labels")),
            ("[Errno 32] Broken pipe", Some("GET /api/v2/orders/export")),
        ],
    ),
    raised(
        "StripeError",
        &GATEWAY,
        &[
            ("Request req_Xk29aQ: No such payment_intent: 'pi_3QabcD'", Some("POST /api/v2/checkout/confirm")),
            ("Request req_9Lm2Tz: Your card was declined.", Some("POST /api/v2/checkout/pay")),
            (
                "Request req_77Yh0b: Idempotent request key reused with different parameters",
                Some("POST /api/v2/checkout/pay"),
            ),
        ],
    ),
    Template {
        kind: "CircuitOpen",
        code: Some(&GATEWAY),
        level: "info",
        handled: true,
        variants: &[("klarna.com is not being called for 30 s", Some("checkout.payments.breaker"))],
    },
];
