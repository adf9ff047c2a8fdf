/* Modules that behave and modules that do not, one for each word. Linked statically: the image holds nothing else. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void stop(int number) { _exit(0); }

static void stay(void) {
    signal(SIGTERM, stop);
    for (;;) pause();
}

static void fill_memory(void) {
    for (;;) {
        char *block = malloc(16 << 20);
        if (!block) { puts("no more memory"); exit(3); }
        memset(block, 1, 16 << 20);
    }
}

static void want_the_network(void) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(0x01010101) };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) { puts("connected"); exit(0); }
    printf("no network: %s\n", strerror(errno));
    exit(7);
}

static void break_out(void) {
    char text[256];
    printf("uid %d gid %d host %s\n", getuid(), getgid(), gethostname(text, sizeof text) ? "?" : text);
    printf("mount %d setuid %d mknod %d ptrace %ld pid %d parent %d\n", mount("none", "/tmp", "tmpfs", 0, 0), setuid(0),
           mknod("/dev/x", S_IFBLK | 0600, 0x801), ptrace(PTRACE_TRACEME, 0, 0, 0), getpid(), getppid());
    printf("env %s %s %s\n", getenv("MODE"), getenv("BROKER"), getenv("SECRET_OF_HOST") ? "leak" : "clean");
    printf("cwd %s\n", getcwd(text, sizeof text));
    FILE *interfaces = fopen("/proc/net/dev", "r");
    int lines = 0;
    while (interfaces && fgets(text, sizeof text, interfaces)) lines++;
    printf("interfaces %d\n", lines - 2);
}

int main(int count, char **words) {
    const char *word = count > 1 ? words[1] : "";
    setvbuf(stdout, 0, _IONBF, 0);
    if (!strcmp(word, "sleep")) stay();
    if (!strcmp(word, "exit")) return 0;
    if (!strcmp(word, "crash")) { fputs("cannot find my twin\n", stderr); abort(); }
    if (!strcmp(word, "deaf")) { for (;;) pause(); }
    if (!strcmp(word, "fork")) { signal(SIGTERM, stop); for (;;) fork(); }
    if (!strcmp(word, "memory")) fill_memory();
    if (!strcmp(word, "network")) want_the_network();
    if (!strcmp(word, "talk")) { for (;;) puts("\033[31mall work and no play makes a long line of output"); }
    if (!strcmp(word, "write")) {
        FILE *file = fopen("/data/state", "w");
        if (!file || fputs("x", file) < 0 || fclose(file)) { perror("write"); return 1; }
        return 0;
    }
    if (!strcmp(word, "fill")) {
        static char block[1 << 20];
        memset(block, 1, sizeof block);
        FILE *file = fopen("/data/big", "w");
        for (int i = 0; i < 1024; i++) if (fwrite(block, sizeof block, 1, file) != 1) { perror("fill"); return 4; }
        return 0;
    }
    if (!strcmp(word, "probe")) { break_out(); return 5; }
    return 9;
}
