/* Leaf functions: what a compiler may keep in the red zone. Each takes and returns numbers, so that it can be run. */
typedef unsigned long u64;
typedef unsigned char u8;

u64 nothing(u64 a, u64 b)
{
        return a * 3 + b;
}

u64 one_word(u64 a, u64 b)
{
        volatile u64 kept = a;

        return kept + b;
}

u64 one_byte(u64 a, u64 b)
{
        volatile u8 kept = (u8) a;

        return kept + b;
}

u64 array(u64 a, u64 b)
{
        volatile u64 numbers[8];

        for (u64 n = 0; n < 8; n++)
                numbers[n] = a + n;
        return numbers[b & 7];
}

u64 bytes_backwards(u64 a, u64 b)
{
        volatile u8 text[24];

        for (int n = 23; n >= 0; n--)
                text[n] = (u8) (a + (u64) n);
        u64 sum = 0;
        for (int n = 0; n < 24; n++)
                sum = sum * 31 + text[n];
        return sum + b;
}

/* More than the red zone holds: a frame is made for the rest. */
u64 more_than_fits(u64 a, u64 b)
{
        volatile u64 numbers[40];

        for (u64 n = 0; n < 40; n++)
                numbers[n] = a ^ n;
        return numbers[b % 40] + numbers[39];
}

u64 many_values(u64 a, u64 b)
{
        u64 x[24];

        for (u64 n = 0; n < 24; n++)
                x[n] = a * (n + 1) + b;
        for (int round = 0; round < 3; round++)
                for (int n = 0; n < 24; n++)
                        x[n] = (x[n] << 7 | x[n] >> 57) + x[(n * 7 + 1) % 24];
        u64 sum = 0;
        for (int n = 0; n < 24; n++)
                sum ^= x[n];
        return sum;
}

/* Two ways, one of which keeps something. */
u64 on_one_way(u64 a, u64 b)
{
        if ((a & 1) == 0)
                return b;
        volatile u64 kept[2] = { a, b };

        for (u64 n = 0; n < (b & 3); n++)
                kept[0] += kept[1];
        return kept[0];
}

/* A jump table, each way with a value of its own. */
u64 table(u64 a, u64 b)
{
        volatile u64 kept = b;

        switch (a & 15) {
        case 0: kept += 3; break;
        case 1: kept *= 5; break;
        case 2: kept ^= 7; break;
        case 3: kept -= 9; break;
        case 4: kept <<= 3; break;
        case 5: kept >>= 2; break;
        case 6: kept |= 0x100; break;
        case 7: kept &= 0xfff; break;
        case 8: kept = ~kept; break;
        case 9: kept += a; break;
        default: kept += 100; break;
        }
        return kept;
}

/* A pointer that walks over what is kept. */
u64 walk(u64 a, u64 b)
{
        u8 text[32];

        for (u8 *at = text; at != text + sizeof text; at++)
                *(volatile u8 *) at = (u8) (a >> (b & 7));
        u64 sum = 0;
        for (const u8 *at = text + sizeof text; at != text;)
                sum = sum * 3 + *(const volatile u8 *) --at;
        return sum;
}

typedef float vector __attribute__((vector_size(16)));

u64 vectors(u64 a, u64 b)
{
        volatile vector kept[2] = { { (float) a, 1, 2, 3 }, { 4, 5, 6, (float) b } };
        vector sum = kept[0] + kept[1];

        return (u64) (sum[0] + sum[3]);
}

long double extended(long double a, u64 b)
{
        volatile long double kept = a;

        return kept * b;
}

#ifndef NARROW
u64 wide(u64 a, u64 b)
{
        unsigned __int128 product = (unsigned __int128) a * b;

        return (u64) (product >> 64) ^ (u64) product;
}

/* Flags through the stack, as kernels read them: PUSHF overwrites what lies there if the compiler does not know. */
u64 flags_over_red_zone(u64 a, u64 b)
{
        volatile u64 kept = a;
        u64 flags;

        asm volatile("pushfq\n\tpopq %0" : "=r"(flags));
        return kept + b + (flags & 0);
}

u64 barrier(u64 a, u64 b)
{
        asm volatile("lock; addl $0, -4(%%rsp)" ::: "memory", "cc");
        return a + b;
}
#endif
