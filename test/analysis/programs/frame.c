/* Functions with frames of every kind: what a compiler makes when a function calls others. */
typedef unsigned long u64;

u64 outside(u64 value, void *place);
void goes_away(void) __attribute__((noreturn));

u64 tail(u64 a)
{
        return outside(a, 0);
}

u64 caller(u64 a, u64 b)
{
        u64 kept[4] = { a, b, a + b, 0 };

        return outside(a, kept) + kept[3];
}

u64 many_arguments(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h)
{
        return outside(g, &h) + a + b + c + d + e + f;
}

u64 calls_with_many(u64 a)
{
        return many_arguments(a, 1, 2, 3, 4, 5, 6, 7) + 1;
}

u64 large(u64 a)
{
        char text[5000];

        return outside(a, text) + (u64) text[a % 5000];
}

u64 dynamic(u64 a)
{
        char text[a];

        return outside(a, text) + (u64) text[0];
}

u64 aligned(u64 a)
{
        char text[64] __attribute__((aligned(64)));

        return outside(a, text) + (u64) text[1];
}

u64 aligned_and_dynamic(u64 a)
{
        char text[64] __attribute__((aligned(32)));
        char more[a];

        return outside(a, text) + outside(a, more) + (u64) text[1];
}

u64 aligned_arguments(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g)
{
        char text[96] __attribute__((aligned(32)));

        return outside(g, text) + a + b + c + d + e + f;
}

u64 checks(u64 a)
{
        if (a > 100)
                goes_away();
        u64 kept = outside(a, &kept);

        return kept;
}

u64 shrink_wrapped(u64 a, u64 b)
{
        if (a == 0)
                return b;
        u64 x = outside(a, 0), y = outside(b, 0), z = outside(a + b, 0);

        return x ^ y ^ z ^ a ^ b;
}

u64 loops(u64 a)
{
        u64 sum = 0;

        for (u64 n = 0; n < a; n++) {
                u64 kept[2] = { n, sum };
                sum += outside(n, kept);
        }
        return sum;
}

u64 by_number(u64 a, u64 b)
{
        switch (a) {
        case 0: return outside(b, 0);
        case 1: return outside(b, 0) + 1;
        case 2: return outside(b, 0) * 2;
        case 3: return outside(b, 0) ^ 3;
        case 4: return outside(b, 0) - 4;
        case 5: return outside(b, 0) + 55;
        case 6: return outside(b, 0) + 66;
        case 7: return outside(b, &a) + 77;
        default: return b;
        }
}

/* The last of a list on the stack is known to be itself: a pointer to it, minus the offset of the member, lies below RSP and is never used. */
struct link {
        struct link *next;
};
struct thing {
        char padding[0x98];
        struct link link;
        u64 number;
};

u64 list_on_the_stack(u64 a)
{
        struct link head = { &head };
        u64 sum = 0;

        outside(a, &head);
        for (struct link *at = head.next; at != &head; at = at->next)
                sum += ((struct thing *) ((char *) at - 0x98))->number;
        return sum;
}
