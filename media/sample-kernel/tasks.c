/*
 * Tasks that take turns of their own accord: a linked list, walked for ever. A task runs until it returns and may ask not to be run before some tick.
 */
#include "kernel.h"

enum task_state { READY, RUNNING, SLEEPING, FINISHED };

struct task;
typedef void task_function(struct task *self);

struct task {
        const char *name;
        task_function *run;
        enum task_state state;
        struct {
                unsigned priority : 3;
                unsigned wants_screen : 1;
                unsigned turns : 28;
        } flags;
        uint64_t wake_at;               /* tick, while SLEEPING */
        union {
                uint64_t word;
                struct {
                        uint16_t tens, ones;
                        char separator;
                } clock;
                char last_key;
        } data;
        struct task *next;
};

static task_function report_ticks, show_clock, echo_keys;

static struct task echo = { .name = "echo", .run = echo_keys, .flags = { .priority = 1, .wants_screen = 1 } };
static struct task clock = { .name = "clock", .run = show_clock, .flags = { .priority = 2, .wants_screen = 1 }, .next = &echo };
static struct task report = { .name = "report", .run = report_ticks, .flags = { .priority = 3 }, .next = &clock };

static struct task *first_task = &report;

static void sleep_until(struct task *task, uint64_t tick)
{
        task->state = SLEEPING;
        task->wake_at = tick;
}

/* The first few ticks, one line each; then the kernel ends if it was told to. */
static void report_ticks(struct task *self)
{
        enum { LAST = 3 };

        self->data.word++;
        print("tick %lu\n", self->data.word);
        if (self->data.word < LAST) {
                sleep_until(self, ticks + 1);
                return;
        }
        exit_if_asked();
        print("type something\n");
        self->state = FINISHED;
}

/* Minutes and seconds in the upper right corner of the screen. */
static void show_clock(struct task *self)
{
        uint64_t seconds = ticks / TICKS_PER_SECOND;
        char text[] = " 00:00 ";

        self->data.clock.tens = (uint16_t) (seconds / 60 % 100);
        self->data.clock.ones = (uint16_t) (seconds % 60);
        self->data.clock.separator = ':';
        text[1] += self->data.clock.tens / 10;
        text[2] += self->data.clock.tens % 10;
        text[3] = self->data.clock.separator;
        text[4] += self->data.clock.ones / 10;
        text[5] += self->data.clock.ones % 10;
        set_colour(BLACK, CYAN);
        print_at(73, 0, text);
        set_colour(LIGHT_GREY, BLACK);
        sleep_until(self, (seconds + 1) * TICKS_PER_SECOND);
}

static void echo_keys(struct task *self)
{
        for (char key = next_key(); key != 0; key = next_key()) {
                self->data.last_key = key;
                set_colour(LIGHT_GREEN, BLACK);
                put_char(key);
                set_colour(LIGHT_GREY, BLACK);
        }
}

static bool is_due(const struct task *task)
{
        return task->state == READY || (task->state == SLEEPING && ticks >= task->wake_at);
}

static void run_task(struct task *task)
{
        task->state = RUNNING;
        task->flags.turns++;
        task->run(task);
        if (task->state == RUNNING)
                task->state = READY;
}

void tasks_init(void)
{
        for (struct task *task = first_task; task != NULL; task = task->next)
                print("task %s, priority %u\n", task->name, (unsigned) task->flags.priority);
        sleep_until(first_task, ticks + 1);
}

_Noreturn void run_tasks(void)
{
        for (;;) {
                for (struct task *task = first_task; task != NULL; task = task->next)
                        if (is_due(task))
                                run_task(task);
                asm volatile("hlt");            /* until the next interrupt */
        }
}
